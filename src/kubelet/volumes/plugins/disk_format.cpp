#include "kubelet/volumes/plugins/disk_format.h"

#include <algorithm>
#include <iterator>

#include "base/split.h"
#include "component/log.h"
#include "kubelet/volumes/plugins/blocking.h"
#include "os/program.h"

namespace pintle::kubelet::volumes::plugins {

namespace {

using namespace std::chrono_literals;

constexpr rt::Duration blkid_limit = 1min;
constexpr rt::Duration mkfs_limit = 10min;
constexpr rt::Duration fsck_limit = 60min;  // a large disk after a power cut
constexpr rt::Duration mount_limit = 3min;  // with the replay of a journal
constexpr int blkid_found_nothing = 2;
constexpr int lock_is_taken = 75;
constexpr int no_longer_empty = 76;
// It goes on when we end before it, and nobody reads what it says.
constexpr const char* whoever_reads = R"(trap "" PIPE; exec "$@")";
// The same, looked at once more with the lock: what had it before us may have made a file system. $0: the device.
constexpr const char* if_still_empty = R"(trap "" PIPE; blkid -p -s TYPE -s PTTYPE "$0" >/dev/null 2>&1; [ $? -eq 2 ] || exit 76; exec "$@")";
constexpr int fsck_left_errors = 4;
constexpr std::size_t looked_at_bytes = 1 << 20;

// As udev and others lock a device that is changed. The program keeps the lock when we end before it: the next kubelet waits for it.
std::vector<std::string> while_locked(const std::string& device, std::vector<std::string> argv) {
  std::vector<std::string> out = {"flock", "-n", "-E", std::to_string(lock_is_taken), device};
  out.insert(out.end(), std::make_move_iterator(argv.begin()), std::make_move_iterator(argv.end()));
  return out;
}

rt::Task<Result<os::ProcessOutput>> run_locked(rt::Context ctx, std::string device, std::vector<std::string> argv, rt::Duration limit) {
  auto output = co_await os::run_program(std::move(ctx), while_locked(device, std::move(argv)), limit);
  if (output && output->exit.signal == 0 && output->exit.code == lock_is_taken)
    co_return error(Reason::Conflict, "disk " + device + " is being changed by another program");
  co_return output;
}

rt::Task<Result<DiskContent>> content_of(rt::Context ctx, std::string device) {
  std::vector<std::string> argv = {"blkid", "-p", "-s", "TYPE", "-s", "PTTYPE", "-o", "export", device};
  CO_TRY_ASSIGN(const os::ProcessOutput output, co_await os::run_program(std::move(ctx), std::move(argv), blkid_limit));
  if (output.exit.code == blkid_found_nothing && output.exit.signal == 0) co_return DiskContent{};
  if (!output.exit.ok())
    co_return error(Reason::InternalError,
                    "failed to get disk format of disk " + device + ": blkid: " + output.exit.text() + ": " + os::shown_output(output));
  co_return parse_blkid(output.out);
}

// Half a file system is data that is not touched again: once begun, our own end waits for its.
rt::Task<Result<Unit>> make_file_system(rt::Runtime& runtime, DiskMount mount) {
  const std::string device = mount.device.path;
  if (!mount.may_format) co_return error(Reason::Invalid, "cannot mount unformatted disk " + device + " as we are manipulating it in read-only mode");
  CO_TRY_ASSIGN(const std::vector<std::string> mkfs, mkfs_arguments(mount.fs_type, device));
  std::function<Result<bool>()> busy = [device] { return os::is_device_in_use(device); };
  CO_TRY_ASSIGN(const bool in_use, co_await blocking<bool>(runtime, std::move(busy)));
  if (in_use) co_return error(Reason::Conflict, "disk " + device + " has no file system and is in use: it is not formatted");
  std::function<Result<bool>()> look = [device] { return os::is_blank(device, looked_at_bytes); };
  CO_TRY_ASSIGN(const bool empty, co_await blocking<bool>(runtime, std::move(look)));
  if (!empty)
    co_return error(
        Reason::Conflict,
        "disk " + device +
            " carries data that blkid does not know: it is not formatted. If none of it is wanted: wipefs and zeros in its first and last megabyte");
  component::log::info(0, "Making a file system on a device that has nothing", {{"device", device}, {"type", mount.fs_type}});
  std::vector<std::string> argv = {"sh", "-c", if_still_empty, device};
  argv.insert(argv.end(), mkfs.begin(), mkfs.end());
  CO_TRY_ASSIGN(const os::ProcessOutput output, co_await run_locked(rt::Context::background(), device, std::move(argv), mkfs_limit));
  if (output.exit.ok()) co_return Unit{};
  if (output.exit.signal == 0 && output.exit.code == no_longer_empty)
    co_return error(Reason::Conflict, "disk " + device + " is no longer empty: it is looked at again");
  co_return error(Reason::InternalError,
                  "format of disk " + device + " failed: mkfs." + mount.fs_type + ": " + output.exit.text() + ": " + os::shown_output(output));
}

// What it cannot repair stays away from pods; a check that is missing or does not know the file system is none.
rt::Task<Result<Unit>> check_file_system(rt::Runtime& runtime, rt::Context ctx, std::string device) {
  std::function<Result<bool>()> busy = [device] { return os::is_device_in_use(device); };
  CO_TRY_ASSIGN(const bool in_use, co_await blocking<bool>(runtime, std::move(busy)));
  if (in_use) co_return Unit{};  // mounted already, so it was checked
  std::vector<std::string> argv = {"sh", "-c", whoever_reads, "fsck", "fsck", "-a", device};
  auto output = co_await run_locked(std::move(ctx), device, std::move(argv), fsck_limit);
  if (!output) co_return Unexpected(std::move(output).error());
  if (output->exit.signal == 0 && output->exit.code == fsck_left_errors)
    co_return error(Reason::InternalError, "'fsck' found errors on device " + device + " but could not correct them: " + os::shown_output(*output));
  if (!output->exit.ok()) component::log::info(1, "fsck", {{"device", device}, {"exit", output->exit.text()}, {"said", os::shown_output(*output)}});
  co_return Unit{};
}

}  // namespace

Result<DiskContent> parse_blkid(std::string_view output) {
  DiskContent out;
  for (const std::string_view line : split(output, '\n')) {
    if (line.empty()) continue;
    const std::size_t equals = line.find('=');
    if (equals == std::string_view::npos)
      return error(Reason::InternalError, "blkid returns invalid output: " + std::string(line.substr(0, os::shown_output_bytes_max)));
    if (line.substr(0, equals) == "TYPE") out.fs_type = line.substr(equals + 1);
    if (line.substr(0, equals) == "PTTYPE") out.partitions = line.substr(equals + 1);
  }
  return out;
}

Result<std::vector<std::string>> mkfs_arguments(std::string_view fs_type, const std::string& device) {
  const std::string program = "mkfs." + std::string(fs_type);
  if (fs_type == "ext4" || fs_type == "ext3") return std::vector<std::string>{program, "-F", "-m0", device};
  if (fs_type == "xfs") return std::vector<std::string>{program, "-f", device};
  if (fs_type == "ext2" || fs_type == "btrfs") return std::vector<std::string>{program, device};
  return error(Reason::Invalid, "file systems of type \"" + std::string(fs_type.substr(0, 64)) + "\" are not made here");
}

bool is_fs_type(std::string_view name) {
  const auto allowed = [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_' || c == '.' || c == '-'; };
  return !name.empty() && name.size() <= 32 && name[0] != '-' && name[0] != '.' && std::ranges::all_of(name, allowed);
}

rt::Task<Result<Unit>> format_and_mount(rt::Runtime& runtime, rt::Context ctx, DiskMount mount) {
  const std::string device = mount.device.path;
  if (!is_fs_type(mount.fs_type)) co_return error(Reason::Invalid, "not a file system type: " + mount.fs_type.substr(0, 64));
  CO_TRY_ASSIGN(const DiskContent content, co_await content_of(ctx, device));
  if (!content.partitions.empty())
    co_return error(Reason::Conflict, "disk " + device + " has partitions (" + content.partitions + "): it is no file system");
  const bool read_only = std::ranges::find(mount.options, "ro") != mount.options.end();
  if (content.fs_type.empty()) {
    CO_TRY(co_await make_file_system(runtime, mount));
  } else if (!read_only) {
    CO_TRY(co_await check_file_system(runtime, ctx, device));
  }
  std::string options = "defaults";
  for (const std::string& option : mount.options) options += "," + option;
  std::vector<std::string> argv = {"mount", "-t", mount.fs_type, "-o", options, device, mount.directory};
  CO_TRY_ASSIGN(const os::ProcessOutput output, co_await os::run_program(std::move(ctx), std::move(argv), mount_limit));
  if (output.exit.ok()) co_return Unit{};
  co_return error(Reason::InternalError, "failed to mount device " + device + " at " + mount.directory + " (fstype: " + mount.fs_type + "), error " +
                                             output.exit.text() + ": " + os::shown_output(output));
}

}  // namespace pintle::kubelet::volumes::plugins

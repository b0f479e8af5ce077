#include "kubelet/volumes/plugins/mount_points.h"

#include "kubelet/volumes/plugins/blocking.h"
#include "os/entries.h"
#include "os/mount.h"
#include "os/program.h"

namespace pintle::kubelet::volumes::plugins {

namespace {

constexpr int mounts_of_one_place_max = 16;  // one over the other; of ours there is one

}  // namespace

Result<std::string> mounted_device(const std::string& directory) {
  const auto at = os::resolved_parent(directory);
  if (!at && at.error().reason == Reason::NotFound) return std::string();
  if (!at) return Unexpected(at.error());
  TRY_ASSIGN(const auto table, os::mount_table());
  std::string out;
  for (const os::MountEntry& entry : table)
    if (entry.mount_point == *at) out = entry.device;
  return out;
}

Result<bool> is_mounted(const std::string& directory) {
  TRY_ASSIGN(const std::string there, mounted_device(directory));
  return !there.empty();
}

rt::Task<Result<Unit>> unmount_by_program(rt::Runtime& runtime, rt::Context ctx, std::string directory, std::string flag, rt::Duration limit) {
  for (int i = 0; i < mounts_of_one_place_max; ++i) {
    std::function<Result<bool>()> look = [directory] { return is_mounted(directory); };
    CO_TRY_ASSIGN(const bool mounted, co_await blocking<bool>(runtime, std::move(look)));
    if (!mounted) break;
    std::vector<std::string> argv = {"umount", directory};
    if (!flag.empty()) argv.insert(argv.begin() + 1, flag);
    CO_TRY_ASSIGN(const os::ProcessOutput output, co_await os::run_program(ctx, std::move(argv), limit));
    if (!output.exit.ok()) co_return error(Reason::Conflict, "umount: " + output.exit.text() + ": " + os::shown_output(output));
  }
  // What lies in a directory that nothing is mounted at goes with its pod, or stays for who looks into it.
  std::function<Result<bool>()> remove = [directory] { return os::remove_if_empty(directory); };
  CO_TRY(co_await blocking<bool>(runtime, std::move(remove)));
  co_return Unit{};
}

}  // namespace pintle::kubelet::volumes::plugins

#include "os/mount.h"

#include <fcntl.h>
#include <sys/mount.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <charconv>

#include "base/split.h"
#include "os/entries.h"
#include "os/fd.h"
#include "os/path.h"
#include "os/read_file.h"
#include "os/system_error.h"

namespace pintle::os {

namespace {

bool listed(std::string_view list, std::string_view word) {
  const auto words = split(list, ',');
  return std::ranges::find(words, word) != words.end();
}

std::string_view next_word(std::string_view& line) {
  const std::size_t end = line.find(' ');
  const std::string_view word = line.substr(0, end);
  line.remove_prefix(end == std::string_view::npos ? line.size() : end + 1);
  return word;
}

// The kernel writes space, tab, newline and backslash as \ooo.
std::string unescape(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '\\' || i + 3 >= text.size()) {
      out += text[i];
      continue;
    }
    int value = 0;
    std::from_chars(text.data() + i + 1, text.data() + i + 4, value, 8);
    out += static_cast<char>(value);
    i += 3;
  }
  return out;
}

int number(std::string_view text) {
  int value = 0;
  std::from_chars(text.data(), text.data() + text.size(), value);
  return value;
}

// 36 35 98:0 /mnt1 /mnt2 rw,noatime master:1 - ext3 /dev/root rw,errors=continue
bool parse_row(std::string_view line, MountEntry& out) {
  out.id = number(next_word(line));
  out.parent_id = number(next_word(line));
  out.device = next_word(line);
  out.root = unescape(next_word(line));
  out.mount_point = unescape(next_word(line));
  out.options = next_word(line);
  while (true) {
    if (line.empty()) return false;
    const std::string_view word = next_word(line);
    if (word == "-") break;
    if (!out.optional.empty()) out.optional += ' ';
    out.optional += word;
  }
  out.fs_type = next_word(line);
  out.source = unescape(next_word(line));
  out.super_options = next_word(line);
  return !out.mount_point.empty();
}

}  // namespace

bool MountEntry::has_option(std::string_view option) const { return listed(options, option); }
bool MountEntry::has_super_option(std::string_view option) const { return listed(super_options, option); }

std::vector<MountEntry> parse_mount_info(std::string_view text) {
  std::vector<MountEntry> out;
  while (!text.empty()) {
    const std::size_t end = text.find('\n');
    MountEntry entry;
    if (parse_row(text.substr(0, end), entry)) out.push_back(std::move(entry));
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
  }
  return out;
}

Result<std::vector<MountEntry>> mount_table() {
  TRY_ASSIGN(const std::string text, read_file("/proc/thread-self/mountinfo"));
  return parse_mount_info(text);
}

Result<Unit> mount(const MountRequest& request) {
  const char* source = request.source.empty() ? "none" : request.source.c_str();
  const char* type = request.fs_type.empty() ? nullptr : request.fs_type.c_str();
  if (::mount(source, request.target.c_str(), type, request.flags, request.data.empty() ? nullptr : request.data.c_str()) != 0)
    return system_error(errno, "mount " + request.target);
  return Unit{};
}

Result<Unit> mount_tmpfs(const std::string& target, uint64_t size_bytes, uint32_t mode) {
  char octal[8];
  const auto end = std::to_chars(octal, octal + sizeof octal, mode & 07777, 8);
  MountRequest request;
  request.source = "tmpfs";
  request.target = target;
  request.fs_type = "tmpfs";
  request.data = "mode=" + std::string(octal, end.ptr);
  if (size_bytes > 0) request.data += ",size=" + std::to_string(size_bytes);
  return mount(request);
}

Result<Unit> bind_mount(const std::string& source, const std::string& target, bool read_only, bool recursive) {
  MountRequest request;
  request.source = source;
  request.target = target;
  request.flags = MS_BIND;
  if (recursive) request.flags |= MS_REC;
  TRY(mount(request));
  if (!read_only) return Unit{};
  request.flags = MS_BIND | MS_REMOUNT | MS_RDONLY;
  if (auto remounted = mount(request); !remounted) {
    ::umount2(target.c_str(), MNT_DETACH);
    return remounted;
  }
  return Unit{};
}

namespace {

// The row of the mount that `file` lies on.
Result<MountEntry> mount_of(const UniqueFd& file, const std::vector<MountEntry>& table) {
  struct statx info {};
  if (::statx(file.get(), "", AT_EMPTY_PATH, STATX_MNT_ID, &info) != 0) return system_error(errno, "statx");
  const auto row =
      std::ranges::find(table, static_cast<uint64_t>(info.stx_mnt_id), [](const MountEntry& entry) { return static_cast<uint64_t>(entry.id); });
  if (row == table.end()) return error(Reason::NotFound, "mount " + std::to_string(info.stx_mnt_id) + " is not in the mount table");
  return *row;
}

bool is_shared(const MountEntry& entry) { return entry.optional.starts_with("shared:") || entry.optional.find(" shared:") != std::string::npos; }

// Binds `directory` over itself and brings what is mounted below to the new mount; `under` is the directory as it was before.
Result<Unit> become_mount(const std::string& directory, const UniqueFd& under, int under_id, const std::vector<MountEntry>& table) {
  TRY(bind_mount(directory, directory, false, false));
  for (const MountEntry& entry : table) {
    if (entry.parent_id != under_id || !entry.mount_point.starts_with(directory + "/")) continue;
    MountRequest move;
    move.source = fd_path(under.get()) + entry.mount_point.substr(directory.size());
    move.target = entry.mount_point;
    move.flags = MS_MOVE;
    TRY(mount(move));
  }
  return Unit{};
}

}  // namespace

Result<bool> share_mounts(const std::string& directory) {
  // The mount table names real paths.
  TRY_ASSIGN(const std::string path, real_path(directory));
  const UniqueFd under(::open(path.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  if (!under) return system_error(errno, "open " + path);
  TRY_ASSIGN(const auto table, mount_table());
  TRY_ASSIGN(const MountEntry entry, mount_of(under, table));
  if (is_shared(entry)) return false;
  const bool bound = entry.mount_point != path;
  if (bound) TRY(become_mount(path, under, entry.id, table));
  MountRequest share;
  share.target = path;
  share.flags = MS_SHARED | MS_REC;
  TRY(mount(share));
  return bound;
}

Result<Unit> unmount(const std::string& target, bool lazy) {
  if (::umount2(target.c_str(), UMOUNT_NOFOLLOW | (lazy ? MNT_DETACH : 0)) == 0) return Unit{};
  if (errno == EINVAL || errno == ENOENT) return Unit{};
  return system_error(errno, "unmount " + target);
}

Result<bool> is_mount_point(const std::string& path) {
  struct statx info {};
  if (::statx(AT_FDCWD, path.c_str(), AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT, 0, &info) != 0) return system_error(errno, path);
  if (info.stx_attributes_mask & STATX_ATTR_MOUNT_ROOT) return (info.stx_attributes & STATX_ATTR_MOUNT_ROOT) != 0;
  TRY_ASSIGN(const auto table, mount_table());
  return std::ranges::any_of(table, [&](const MountEntry& entry) { return entry.mount_point == path; });
}

Result<std::vector<std::string>> mounts_below(const std::string& path) {
  TRY_ASSIGN(const auto table, mount_table());
  std::vector<std::string> out;
  const std::string prefix = path + "/";
  for (const MountEntry& entry : table)
    if (entry.mount_point == path || entry.mount_point.starts_with(prefix)) out.push_back(entry.mount_point);
  std::ranges::reverse(out);
  return out;
}

}  // namespace pintle::os

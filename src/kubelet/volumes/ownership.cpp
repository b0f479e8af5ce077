#include "kubelet/volumes/ownership.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "os/fd.h"
#include "os/path.h"
#include "os/system_error.h"

namespace pintle::kubelet::volumes {

namespace {

uint32_t bits_for(uint32_t mode, bool read_only) {
  const uint32_t bits = read_only ? group_read_bits : group_write_bits;
  return S_ISDIR(mode) ? bits | S_ISGID | 0110 : bits;
}

bool is_right(const std::string& root, uint32_t gid, bool read_only) {
  struct stat info {};
  if (::stat(root.c_str(), &info) != 0) return false;
  const uint32_t bits = bits_for(info.st_mode, read_only);
  return info.st_gid == gid && (info.st_mode & bits) == bits;
}

// By one descriptor from the first look to the last change: what takes the name meanwhile gets neither the mode nor the owner of
// what was looked at.
Result<Unit> own_entry(const os::TreeEntry& entry, uint32_t gid, bool read_only) {
  const os::UniqueFd fd(::openat(entry.dir_fd, entry.name, O_PATH | O_NOFOLLOW | O_CLOEXEC));
  if (!fd && errno == ENOENT) return Unit{};  // gone meanwhile
  struct stat info {};
  if (!fd || ::fstat(fd.get(), &info) != 0) return os::system_error(errno, entry.name);
  if (info.st_gid != gid && ::fchownat(fd.get(), "", static_cast<uid_t>(-1), gid, AT_EMPTY_PATH) != 0) return os::system_error(errno, entry.name);
  if (S_ISLNK(info.st_mode)) return Unit{};
  const uint32_t mode = (info.st_mode & 07777) | bits_for(info.st_mode, read_only);
  // A change of owner takes the setgid bit away: set the mode after it.
  if (mode == (info.st_mode & 07777) && info.st_gid == gid) return Unit{};
  return os::set_mode(os::fd_path(fd.get()), mode);
}

}  // namespace

Result<Unit> own_by_group(const std::string& root, uint32_t gid, bool read_only, bool on_root_mismatch) {
  if (on_root_mismatch && is_right(root, gid, read_only)) return Unit{};
  return os::visit_tree(root, [&](const os::TreeEntry& entry) { return own_entry(entry, gid, read_only); });
}

Result<std::vector<std::string>> list_names(const std::string& directory) {
  DIR* open = ::opendir(directory.c_str());
  if (!open) return os::system_error(errno, directory);
  std::vector<std::string> out;
  while (const dirent* entry = ::readdir(open)) {
    const std::string_view name = entry->d_name;
    if (name != "." && name != "..") out.emplace_back(name);
  }
  ::closedir(open);
  std::ranges::sort(out);
  return out;
}

}  // namespace pintle::kubelet::volumes

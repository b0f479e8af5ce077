#include "os/path.h"

#include <dirent.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include <cerrno>
#include <set>
#include <vector>

#include "os/system_error.h"

namespace pintle::os {

namespace {

constexpr int depth_max = 512;   // directories inside one another

int openat2_in_root(int root, const char* path, uint64_t flags) {
  open_how how{};
  how.flags = flags | O_CLOEXEC;
  how.resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS;
  int fd;
  do fd = static_cast<int>(::syscall(SYS_openat2, root, path, &how, sizeof how));
  while (fd < 0 && errno == EAGAIN);   // a rename raced with the look-up
  return fd;
}

Result<UniqueFd> open_root(const std::string& root) {
  UniqueFd fd(::open(root.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  if (!fd) return system_error(errno, root);
  return fd;
}

bool is_mount_root(int dir_fd, const char* name) {
  struct statx info {};
  if (::statx(dir_fd, name, AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT, 0, &info) != 0) return false;
  return (info.stx_attributes & STATX_ATTR_MOUNT_ROOT) != 0;
}

// The names in a directory, read before anything in it changes.
Result<std::vector<std::string>> names_in(int dir_fd, const char* name) {
  const int fd = ::openat(dir_fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
  if (fd < 0) return system_error(errno, name);
  DIR* directory = ::fdopendir(fd);
  std::vector<std::string> out;
  while (const dirent* entry = ::readdir(directory)) {
    const std::string_view child = entry->d_name;
    if (child != "." && child != "..") out.emplace_back(child);
  }
  ::closedir(directory);
  return out;
}

Result<Unit> visit_below(int dir_fd, const char* name, bool top, int depth, const std::function<Result<Unit>(const TreeEntry&)>& visit) {
  if (depth > depth_max) return internal(std::string(name) + ": directories too deep");
  struct stat info {};
  if (::fstatat(dir_fd, name, &info, AT_SYMLINK_NOFOLLOW) != 0) {
    if (errno == ENOENT && !top) return Unit{};   // gone meanwhile
    return system_error(errno, name);
  }
  if (!top && is_mount_root(dir_fd, name)) return Unit{};
  TRY(visit(TreeEntry{dir_fd, name, info.st_mode, info.st_uid, info.st_gid}));
  if (!S_ISDIR(info.st_mode)) return Unit{};
  auto names = names_in(dir_fd, name);
  if (!names) {
    if (names.error().reason == Reason::NotFound && !top) return Unit{};
    return std::unexpected(std::move(names).error());
  }
  const UniqueFd self(::openat(dir_fd, name, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
  if (!self) return system_error(errno, name);
  for (const std::string& child : *names) TRY(visit_below(self.get(), child.c_str(), false, depth + 1, visit));
  return Unit{};
}

Result<Unit> remove_below(int dir_fd, const char* name, const std::string& shown, int depth) {
  if (depth > depth_max) return internal(shown + ": directories too deep");
  struct stat info {};
  if (::fstatat(dir_fd, name, &info, AT_SYMLINK_NOFOLLOW) != 0) {
    if (errno == ENOENT) return Unit{};
    return system_error(errno, shown);
  }
  if (is_mount_root(dir_fd, name)) return error(Reason::Conflict, shown + ": something is mounted there");
  if (!S_ISDIR(info.st_mode)) {
    if (::unlinkat(dir_fd, name, 0) != 0 && errno != ENOENT) return system_error(errno, shown);
    return Unit{};
  }
  TRY_ASSIGN(const auto names, names_in(dir_fd, name));
  const UniqueFd self(::openat(dir_fd, name, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
  if (!self) return system_error(errno, shown);
  for (const std::string& child : names) TRY(remove_below(self.get(), child.c_str(), shown + "/" + child, depth + 1));
  if (::unlinkat(dir_fd, name, AT_REMOVEDIR) != 0 && errno != ENOENT) return system_error(errno, shown);
  return Unit{};
}

}  // namespace

std::string fd_path(int fd) { return "/proc/self/fd/" + std::to_string(fd); }

Result<UniqueFd> open_in_root(const std::string& root, std::string_view path) {
  TRY_ASSIGN(const UniqueFd top, open_root(root));
  UniqueFd fd(openat2_in_root(top.get(), path.empty() ? "." : std::string(path).c_str(), O_PATH));
  if (!fd) return system_error(errno, path);
  return fd;
}

Result<UniqueFd> make_directories_in_root(const std::string& root, std::string_view path, uint32_t mode) {
  TRY_ASSIGN(const UniqueFd top, open_root(root));
  std::string made;
  UniqueFd at(openat2_in_root(top.get(), ".", O_PATH | O_DIRECTORY));
  if (!at) return system_error(errno, root);
  while (!path.empty()) {
    const std::size_t slash = path.find('/');
    const std::string part(path.substr(0, slash));
    path.remove_prefix(slash == std::string_view::npos ? path.size() : slash + 1);
    if (part.empty() || part == ".") continue;
    if (part == "..") return error(Reason::Invalid, "a path with '..'");
    made = made.empty() ? part : made + "/" + part;
    UniqueFd next(openat2_in_root(top.get(), made.c_str(), O_PATH | O_DIRECTORY));
    if (!next && errno == ENOENT) {
      // `at` is the parent itself: a name made in it is inside the root.
      if (::mkdirat(at.get(), part.c_str(), mode) != 0 && errno != EEXIST) return system_error(errno, made);
      next.reset(openat2_in_root(top.get(), made.c_str(), O_PATH | O_DIRECTORY));
      if (next && ::chmod(fd_path(next.get()).c_str(), mode & 07777) != 0) return system_error(errno, made);
    }
    if (!next) return system_error(errno, made);
    at = std::move(next);
  }
  return at;
}

Result<Unit> visit_tree(const std::string& root, const std::function<Result<Unit>(const TreeEntry&)>& visit) {
  return visit_below(AT_FDCWD, root.c_str(), true, 0, visit);
}

Result<Unit> remove_tree(const std::string& path) { return remove_below(AT_FDCWD, path.c_str(), path, 0); }

Result<Unit> set_mode(const std::string& path, uint32_t mode) {
  if (::chmod(path.c_str(), mode & 07777) != 0) return system_error(errno, path);
  return Unit{};
}

Result<Unit> set_owner(const std::string& path, FileOwner owner) {
  if (::chown(path.c_str(), owner.uid.value_or(static_cast<uid_t>(-1)), owner.gid.value_or(static_cast<gid_t>(-1))) != 0) return system_error(errno, path);
  return Unit{};
}

Result<Unit> make_directory(const std::string& path, uint32_t mode) {
  if (::mkdir(path.c_str(), mode) == 0) return set_mode(path, mode);
  if (errno != EEXIST) return system_error(errno, path);
  struct stat info {};
  if (::stat(path.c_str(), &info) != 0) return system_error(errno, path);
  if (!S_ISDIR(info.st_mode)) return internal(path + ": not a directory");
  return Unit{};
}

Result<Unit> make_directories(const std::string& path, uint32_t mode) {
  auto made = make_directory(path, mode);
  const std::size_t slash = path.rfind('/');
  if (made || made.error().reason != Reason::NotFound || slash == std::string::npos || slash == 0) return made;
  TRY(make_directories(path.substr(0, slash), mode));
  return make_directory(path, mode);
}

Result<TreeUsage> tree_usage(const std::string& root) {
  TreeUsage out;
  std::set<std::pair<dev_t, ino_t>> linked;   // files with several names count once
  TRY(visit_tree(root, [&](const TreeEntry& entry) -> Result<Unit> {
    struct stat info {};
    if (::fstatat(entry.dir_fd, entry.name, &info, AT_SYMLINK_NOFOLLOW) != 0) return Unit{};
    if (info.st_nlink > 1 && !S_ISDIR(info.st_mode) && !linked.emplace(info.st_dev, info.st_ino).second) return Unit{};
    out.bytes += static_cast<uint64_t>(info.st_blocks) * 512;
    ++out.inodes;
    return Unit{};
  }));
  return out;
}

}  // namespace pintle::os

#include "os/path.h"

#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include <cerrno>

#include "os/system_error.h"

namespace pintle::os {

namespace {

int openat2_below(int root, const char* path, uint64_t flags, uint64_t resolve = 0) {
  open_how how{};
  how.flags = flags | O_CLOEXEC;
  how.resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS | resolve;
  int fd;
  do fd = static_cast<int>(::syscall(SYS_openat2, root, path, &how, sizeof how));
  while (fd < 0 && errno == EAGAIN);  // a rename raced with the look-up
  return fd;
}

Unexpected<Status> refused(int why, std::string_view path) {
  if (why == ELOOP || why == EXDEV) return error(Reason::Forbidden, std::string(path) + ": leads elsewhere");
  return system_error(why, path);
}

Result<UniqueFd> open_root(const std::string& root) {
  UniqueFd fd(::open(root.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  if (!fd) return system_error(errno, root);
  return fd;
}

// A descriptor of a regular file (or directory) for reading, from one that only names it.
Result<UniqueFd> reopen_regular(const UniqueFd& named, std::string_view shown, bool directories) {
  struct stat info {};
  if (::fstat(named.get(), &info) != 0) return system_error(errno, shown);
  if (!S_ISREG(info.st_mode) && !(directories && S_ISDIR(info.st_mode))) return error(Reason::Forbidden, std::string(shown) + ": not a regular file");
  UniqueFd fd(::open(fd_path(named.get()).c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd) return system_error(errno, shown);
  return fd;
}

}  // namespace

std::string fd_path(int fd) { return "/proc/self/fd/" + std::to_string(fd); }

Result<UniqueFd> open_below(const std::string& root, std::string_view path) {
  TRY_ASSIGN(const UniqueFd top, open_root(root));
  UniqueFd fd(openat2_below(top.get(), path.empty() ? "." : std::string(path).c_str(), O_PATH));
  if (!fd) return refused(errno, path);
  return fd;
}

Result<UniqueFd> make_directories_below(const std::string& root, std::string_view path, uint32_t mode) {
  TRY_ASSIGN(const UniqueFd top, open_root(root));
  std::string made;
  UniqueFd at(openat2_below(top.get(), ".", O_PATH | O_DIRECTORY));
  if (!at) return system_error(errno, root);
  while (!path.empty()) {
    const std::size_t slash = path.find('/');
    const std::string part(path.substr(0, slash));
    path.remove_prefix(slash == std::string_view::npos ? path.size() : slash + 1);
    if (part.empty() || part == ".") continue;
    if (part == "..") return error(Reason::Invalid, "a path with '..'");
    made = made.empty() ? part : made + "/" + part;
    UniqueFd next(openat2_below(top.get(), made.c_str(), O_PATH | O_DIRECTORY));
    if (!next && errno == ENOENT) {
      // `at` is the parent itself: a name made in it is inside the root.
      if (::mkdirat(at.get(), part.c_str(), mode) != 0 && errno != EEXIST) return system_error(errno, made);
      next.reset(openat2_below(top.get(), made.c_str(), O_PATH | O_DIRECTORY));
      if (next && ::chmod(fd_path(next.get()).c_str(), mode & 07777) != 0) return system_error(errno, made);
    }
    if (!next) return refused(errno, made);
    at = std::move(next);
  }
  return at;
}

Result<UniqueFd> open_regular_below(const std::string& root, std::string_view path, bool directories) {
  TRY_ASSIGN(const UniqueFd top, open_root(root));
  while (path.starts_with('/')) path.remove_prefix(1);
  const std::string relative(path.empty() ? std::string_view(".") : path);
  const UniqueFd named(openat2_below(top.get(), relative.c_str(), O_PATH | O_NOFOLLOW, RESOLVE_NO_SYMLINKS));
  if (!named) return refused(errno, relative);
  return reopen_regular(named, relative, directories);
}

Result<UniqueFd> open_regular_through_links_below(const std::string& root, std::string_view path) {
  TRY_ASSIGN(const UniqueFd named, open_below(root, path));
  return reopen_regular(named, path, false);
}

Result<UniqueFd> open_regular(const std::string& path) {
  const UniqueFd named(::open(path.c_str(), O_PATH | O_NOFOLLOW | O_CLOEXEC));
  if (!named) return system_error(errno, path);
  return reopen_regular(named, path, false);
}

Result<Unit> set_mode(const std::string& path, uint32_t mode) {
  if (::chmod(path.c_str(), mode & 07777) != 0) return system_error(errno, path);
  return Unit{};
}

Result<Unit> set_owner(const std::string& path, FileOwner owner) {
  if (::chown(path.c_str(), owner.uid.value_or(static_cast<uid_t>(-1)), owner.gid.value_or(static_cast<gid_t>(-1))) != 0)
    return system_error(errno, path);
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

}  // namespace pintle::os

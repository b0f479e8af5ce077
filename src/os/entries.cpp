#include "os/entries.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <memory>

#include "os/fd.h"
#include "os/system_error.h"

namespace pintle::os {

Result<Unit> remove_name(const std::string& path) {
  if (::unlink(path.c_str()) != 0 && errno != ENOENT && errno != ENOTDIR) return system_error(errno, path);
  return Unit{};
}

Result<bool> remove_if_empty(const std::string& directory) {
  if (::rmdir(directory.c_str()) == 0 || errno == ENOENT || errno == ENOTDIR) return true;
  if (errno == ENOTEMPTY) return false;
  return system_error(errno, directory);
}

Result<Unit> set_link(const std::string& link, const std::string& target) {
  TRY(remove_name(link));
  if (::symlink(target.c_str(), link.c_str()) != 0) return system_error(errno, link);
  return Unit{};
}

Result<Unit> make_mount_file(const std::string& path) {
  const UniqueFd fd(::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0640));
  if (!fd && errno != EEXIST) return system_error(errno, path);
  return Unit{};
}

Result<bool> remove_mount_file(const std::string& path) {
  struct stat info {};
  if (::lstat(path.c_str(), &info) != 0) {
    if (errno == ENOENT || errno == ENOTDIR) return true;
    return system_error(errno, path);
  }
  if (!S_ISREG(info.st_mode) || info.st_size != 0) return false;
  TRY(remove_name(path));
  return true;
}

Result<std::string> real_path(const std::string& path) {
  const std::unique_ptr<char, decltype(&std::free)> real(::realpath(path.c_str(), nullptr), std::free);
  if (!real) return system_error(errno, path);
  return std::string(real.get());
}

Result<std::string> resolved_parent(const std::string& path) {
  const std::size_t slash = path.rfind('/');
  if (slash == std::string::npos) return error(Reason::Invalid, path + " is not absolute");
  TRY_ASSIGN(const std::string parent, real_path(slash == 0 ? "/" : path.substr(0, slash)));
  return (parent == "/" ? std::string() : parent) + path.substr(slash);
}

}  // namespace pintle::os

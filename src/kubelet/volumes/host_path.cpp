#include "kubelet/volumes/host_path.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <cerrno>

#include "os/fd.h"
#include "os/path.h"
#include "os/system_error.h"

namespace pintle::kubelet::volumes {

namespace {

Unexpected<Status> is_not(const std::string& path, std::string_view what) {
  return error(Reason::Invalid, "hostPath type check failed: " + path + " is not a " + std::string(what));
}

}  // namespace

Result<HostPath> check_host_path(const std::string& path, std::string_view type) {
  if (type == "DirectoryOrCreate" || type == "FileOrCreate") {
    struct stat info {};
    if (::stat(path.c_str(), &info) != 0 && errno == ENOENT) {
      if (type == "DirectoryOrCreate") {
        TRY(os::make_directories(path, 0755));
      } else {
        const os::UniqueFd fd(::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0644));
        if (!fd && errno != EEXIST) return os::system_error(errno, path);
      }
    }
  }
  struct stat info {};
  const bool found = ::stat(path.c_str(), &info) == 0;
  HostPath out;
  out.is_file = found && !S_ISDIR(info.st_mode);
  if (type.empty()) return out;  // whatever is there; a missing directory is made by the runtime
  if ((type == "Directory" || type == "DirectoryOrCreate") && !(found && S_ISDIR(info.st_mode))) return is_not(path, "directory");
  if ((type == "File" || type == "FileOrCreate") && !(found && S_ISREG(info.st_mode))) return is_not(path, "file");
  if (type == "Socket" && !(found && S_ISSOCK(info.st_mode))) return is_not(path, "socket file");
  if (type == "CharDevice" && !(found && S_ISCHR(info.st_mode))) return is_not(path, "character device");
  if (type == "BlockDevice" && !(found && S_ISBLK(info.st_mode))) return is_not(path, "block device");
  return out;
}

}  // namespace pintle::kubelet::volumes

#include "kubelet/logs/log_file.h"

#include <sys/stat.h>

#include <cerrno>

#include "os/path.h"
#include "os/system_error.h"

namespace pintle::kubelet::logs {

namespace {

constexpr int own_names = 3;  // of a pod, of a container, of a file

}  // namespace

Result<os::UniqueFd> open_container_log(const std::string& path) {
  std::size_t slash = path.size();
  for (int i = 0; i < own_names && slash != 0 && slash != std::string::npos; ++i) slash = path.rfind('/', slash - 1);
  if (slash == std::string::npos) return error(Reason::Invalid, path + ": not the path of a container's log");
  auto fd = os::open_regular_below(slash == 0 ? "/" : path.substr(0, slash), path.substr(slash + 1));
  if (!fd) return error(fd.error().reason, path.substr(0, slash + 1) + fd.error().message);
  return fd;
}

Result<uint64_t> container_log_bytes(const std::string& path) {
  TRY_ASSIGN(const os::UniqueFd fd, open_container_log(path));
  struct stat info {};
  if (::fstat(fd.get(), &info) != 0) return os::system_error(errno, path);
  return static_cast<uint64_t>(info.st_size);
}

}  // namespace pintle::kubelet::logs

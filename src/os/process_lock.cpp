#include "os/process_lock.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace pintle::os {

Result<std::unique_ptr<ProcessLock>> ProcessLock::take(const std::string& path) {
  const int fd = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (fd < 0) return internal("open " + path + ": " + std::strerror(errno));
  if (::flock(fd, LOCK_EX | LOCK_NB) != 0) {
    const int reason = errno;
    char holder[24] = {};
    const ssize_t got = ::pread(fd, holder, sizeof holder - 1, 0);
    ::close(fd);
    if (reason != EWOULDBLOCK) return internal("lock " + path + ": " + std::strerror(reason));
    std::string message = path + " is in use by another process";
    if (got > 0) message += " (pid " + std::string(holder) + ")";
    return error(Reason::ServiceUnavailable, std::move(message));
  }
  // Who holds it is only told in messages: what cannot be written is not missed.
  const std::string pid = std::to_string(::getpid());
  const bool told = ::ftruncate(fd, 0) == 0 && ::pwrite(fd, pid.data(), pid.size(), 0) > 0;
  static_cast<void>(told);
  return std::unique_ptr<ProcessLock>(new ProcessLock(fd));
}

ProcessLock::~ProcessLock() { ::close(fd_); }

}  // namespace pintle::os

#include "os/network_namespace.h"

#include <fcntl.h>
#include <sched.h>
#include <sys/stat.h>

#include <cerrno>
#include <string>

#include "os/fd.h"
#include "os/system_error.h"

namespace pintle::os {

Result<Unit> enter_network_of(pid_t pid) {
  const std::string path = "/proc/" + std::to_string(pid) + "/ns/net";
  const UniqueFd theirs(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!theirs) return system_error(errno, path);
  struct stat own {
  }, other{};
  if (::stat("/proc/thread-self/ns/net", &own) == 0 && ::fstat(theirs.get(), &other) == 0 && own.st_ino == other.st_ino && own.st_dev == other.st_dev)
    return Unit{};
  if (::setns(theirs.get(), CLONE_NEWNET) != 0) return system_error(errno, "entering the network of process " + std::to_string(pid));
  return Unit{};
}

}  // namespace pintle::os

// Opening a container's log file. Whoever may write below /var/log (a pod with that folder of the host) may put anything there:
// a link to another file, a FIFO, a device.
#pragma once

#include <string>

#include "base/status.h"
#include "os/fd.h"

namespace pintle::kubelet::logs {

// Opens LOGS/NAMESPACE_NAME_UID/CONTAINER/N.log for reading, if it is a regular file and neither it nor the two directories that the
// runtime made for it are links. Forbidden otherwise; NotFound. Blocks.
Result<os::UniqueFd> open_container_log(const std::string& path);
// Its size. Blocks.
Result<uint64_t> container_log_bytes(const std::string& path);

}  // namespace pintle::kubelet::logs

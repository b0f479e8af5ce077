// Network namespaces of other processes.
#pragma once

#include <sys/types.h>

#include "base/status.h"

namespace pintle::os {

// This thread, and those that it starts afterwards, use the network of the process `pid`. Nothing is done where they share one already.
// Forbidden without CAP_SYS_ADMIN, NotFound if there is no such process.
Result<Unit> enter_network_of(pid_t pid);

}  // namespace pintle::os

// The error of a failed system call.
#pragma once

#include <string>
#include <string_view>

#include "base/status.h"

namespace pintle::os {

// "WHAT: no such file or directory", with the Reason that a caller can act on: NotFound (ENOENT, ENOTDIR, ESRCH, ENODEV),
// AlreadyExists (EEXIST, ENOTEMPTY), Forbidden (EACCES, EPERM, EROFS), Conflict (EBUSY), else InternalError.
Status system_status(int error_number, std::string_view what);
inline Unexpected<Status> system_error(int error_number, std::string_view what) { return Unexpected<Status>(system_status(error_number, what)); }

}  // namespace pintle::os

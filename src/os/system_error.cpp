#include "os/system_error.h"

#include <cerrno>
#include <cstring>

namespace pintle::os {

namespace {

Reason reason_of(int error_number) {
  switch (error_number) {
    case ENOENT:
    case ENOTDIR:
    case ESRCH:
    case ENODEV: return Reason::NotFound;
    case EEXIST:
    case ENOTEMPTY: return Reason::AlreadyExists;
    case EACCES:
    case EPERM:
    case EROFS: return Reason::Forbidden;
    case EBUSY: return Reason::Conflict;
    default: return Reason::InternalError;
  }
}

}  // namespace

Status system_status(int error_number, std::string_view what) {
  std::string text = std::strerror(error_number);
  if (!text.empty() && text[0] >= 'A' && text[0] <= 'Z') text[0] = static_cast<char>(text[0] - 'A' + 'a');
  return Status{reason_of(error_number), 0, std::string(what) + ": " + text, {}};
}

}  // namespace pintle::os

// gRPC's status codes, and how they and our Status become one another.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/status.h"

namespace pintle::net::grpc {

enum class Code : uint8_t {
  Ok = 0,
  Cancelled = 1,
  Unknown = 2,
  InvalidArgument = 3,
  DeadlineExceeded = 4,
  NotFound = 5,
  AlreadyExists = 6,
  PermissionDenied = 7,
  ResourceExhausted = 8,
  FailedPrecondition = 9,
  Aborted = 10,
  OutOfRange = 11,
  Unimplemented = 12,
  Internal = 13,
  Unavailable = 14,
  DataLoss = 15,
  Unauthenticated = 16,
};

// "NotFound", as Go prints it; "Code(77)" for a number without a name.
std::string code_name(Code code);
// Code::Unknown for text that is no number of a code.
Code parse_code(std::string_view text);
// The error of a call that ended with `code`. Its message is Go's: `rpc error: code = NotFound desc = ...`. Unimplemented
// is Reason::MethodNotAllowed, Unavailable Reason::ServiceUnavailable, DeadlineExceeded Reason::Timeout.
Status to_status(Code code, std::string_view description);
// What a server answers for an error. code_of(to_status(code, text)) is `code`.
Code code_of(const Status& status);
// The description of an error that came from to_status(), without the "rpc error" prefix; else the message as it is.
std::string_view description_of(const Status& status);

}  // namespace pintle::net::grpc

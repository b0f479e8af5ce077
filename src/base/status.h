// The one error type. A Status maps onto metav1.Status; a Result<T> is a value or the Status that says why there is none.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/box.h"
#include "base/expected.h"

namespace pintle {

// metav1.StatusReason, plus the outcomes that never reach a client as such (Cancelled, Unavailable ...).
// The HTTP code that each one carries by default is http_code(reason).
enum class Reason : uint8_t {
  Unknown,                // 500, empty reason on the wire
  Unauthorized,           // 401
  Forbidden,              // 403
  NotFound,               // 404
  AlreadyExists,          // 409
  Conflict,               // 409
  Gone,                   // 410
  Expired,                // 410
  Invalid,                // 422
  ServerTimeout,          // 500
  StoreReadError,         // 500
  Timeout,                // 504
  TooManyRequests,        // 429
  BadRequest,             // 400
  MethodNotAllowed,       // 405
  NotAcceptable,          // 406
  RequestEntityTooLarge,  // 413
  UnsupportedMediaType,   // 415
  InternalError,          // 500
  ServiceUnavailable,     // 503
  Cancelled,              // the caller gave up; 499 where it must be a number
};

// The name on the wire ("NotFound"); "" for Unknown.
std::string_view reason_name(Reason reason);
// The HTTP status code that upstream answers for the reason.
int http_code(Reason reason);

// metav1.StatusCause: type is a CauseType (FieldValueInvalid ...), field a path such as spec.ports[0].name.
struct StatusCause {
  std::string type;
  std::string message;
  std::string field;
  bool operator==(const StatusCause&) const = default;
};

// metav1.StatusDetails.
struct StatusDetails {
  std::string name;
  std::string group;
  std::string kind;
  std::string uid;
  std::vector<StatusCause> causes;
  int32_t retry_after_seconds = 0;
  bool shown = false;  // written to the client even when all of the above is empty ("details": {})
  bool operator==(const StatusDetails&) const = default;
};

// What another party's metav1.Status says that no field of Status has a word for; clients are told it as it came.
struct ForeignStatus {
  std::string status;         // a word other than Failure; "": Failure
  std::string reason;         // a reason that is no Reason, whose place is Unknown; "": none
  std::string metadata_json;  // its ListMeta; "": none
};

// An error. `code` is the HTTP status code; 0 means http_code(reason).
struct Status {
  Reason reason = Reason::Unknown;
  int code = 0;
  std::string message;
  StatusDetails details;
  Box<ForeignStatus> foreign;  // few failures have one: webhooks that deny

  int http() const { return code != 0 ? code : http_code(reason); }
};

template <class T>
using Result = Expected<T, Status>;

struct Unit {
  bool operator==(const Unit&) const = default;
};

// Makes the error half of a Result: `return error(Reason::NotFound, "no such key");`
inline Unexpected<Status> error(Reason reason, std::string message) { return Unexpected<Status>(Status{reason, 0, std::move(message), {}}); }
inline Unexpected<Status> bad_request(std::string message) { return error(Reason::BadRequest, std::move(message)); }
inline Unexpected<Status> internal(std::string message) { return error(Reason::InternalError, std::move(message)); }

}  // namespace pintle

// Evaluates a Result expression; on error returns it from the enclosing function (or coroutine, with CO_TRY_*).
#define PINTLE_CAT_(a, b) a##b
#define PINTLE_CAT(a, b) PINTLE_CAT_(a, b)
#define TRY_ASSIGN(lhs, expr)                                                                        \
  auto PINTLE_CAT(try_, __LINE__) = (expr);                                                          \
  if (!PINTLE_CAT(try_, __LINE__)) return Unexpected(std::move(PINTLE_CAT(try_, __LINE__)).error()); \
  lhs = std::move(*PINTLE_CAT(try_, __LINE__))
#define TRY(expr)                                                      \
  do {                                                                 \
    auto try_result = (expr);                                          \
    if (!try_result) return Unexpected(std::move(try_result).error()); \
  } while (false)
#define CO_TRY_ASSIGN(lhs, expr)                                                                        \
  auto PINTLE_CAT(try_, __LINE__) = (expr);                                                             \
  if (!PINTLE_CAT(try_, __LINE__)) co_return Unexpected(std::move(PINTLE_CAT(try_, __LINE__)).error()); \
  lhs = std::move(*PINTLE_CAT(try_, __LINE__))
#define CO_TRY(expr)                                                      \
  do {                                                                    \
    auto try_result = (expr);                                             \
    if (!try_result) co_return Unexpected(std::move(try_result).error()); \
  } while (false)

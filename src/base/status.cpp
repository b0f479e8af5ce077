#include "base/status.h"

#include <array>

namespace pintle {
namespace {

struct Row {
  std::string_view name;
  int code;
};

constexpr std::array<Row, 21> rows{{
    {"", 500},
    {"Unauthorized", 401},
    {"Forbidden", 403},
    {"NotFound", 404},
    {"AlreadyExists", 409},
    {"Conflict", 409},
    {"Gone", 410},
    {"Expired", 410},
    {"Invalid", 422},
    {"ServerTimeout", 500},
    {"StoreReadError", 500},
    {"Timeout", 504},
    {"TooManyRequests", 429},
    {"BadRequest", 400},
    {"MethodNotAllowed", 405},
    {"NotAcceptable", 406},
    {"RequestEntityTooLarge", 413},
    {"UnsupportedMediaType", 415},
    {"InternalError", 500},
    {"ServiceUnavailable", 503},
    {"", 499},
}};

}  // namespace

std::string_view reason_name(Reason reason) { return rows[static_cast<std::size_t>(reason)].name; }

int http_code(Reason reason) { return rows[static_cast<std::size_t>(reason)].code; }

}  // namespace pintle

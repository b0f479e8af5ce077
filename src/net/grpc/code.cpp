#include "net/grpc/code.h"

#include <array>

#include "base/parse_number.h"

namespace pintle::net::grpc {

namespace {

struct Row {
  std::string_view name;
  Reason reason;
};
constexpr std::array<Row, 17> rows{{{"OK", Reason::Unknown},
                                    {"Canceled", Reason::Cancelled},
                                    {"Unknown", Reason::Unknown},
                                    {"InvalidArgument", Reason::BadRequest},
                                    {"DeadlineExceeded", Reason::Timeout},
                                    {"NotFound", Reason::NotFound},
                                    {"AlreadyExists", Reason::AlreadyExists},
                                    {"PermissionDenied", Reason::Forbidden},
                                    {"ResourceExhausted", Reason::TooManyRequests},
                                    {"FailedPrecondition", Reason::Conflict},
                                    {"Aborted", Reason::Conflict},
                                    {"OutOfRange", Reason::Invalid},
                                    {"Unimplemented", Reason::MethodNotAllowed},
                                    {"Internal", Reason::InternalError},
                                    {"Unavailable", Reason::ServiceUnavailable},
                                    {"DataLoss", Reason::StoreReadError},
                                    {"Unauthenticated", Reason::Unauthorized}}};

constexpr std::string_view prefix = "rpc error: code = ";
constexpr std::string_view mark = " desc = ";

// Of an error that came from to_status(): several codes share a reason. Ok: of no such one.
Code code_in_message(const Status& status) {
  std::string_view text = status.message;
  if (!text.starts_with(prefix)) return Code::Ok;
  text.remove_prefix(prefix.size());
  text = text.substr(0, text.find(mark));
  for (std::size_t i = 1; i < rows.size(); ++i) {
    if (rows[i].name == text && rows[i].reason == status.reason) return static_cast<Code>(i);
  }
  return Code::Ok;
}

}  // namespace

std::string code_name(Code code) {
  const auto i = static_cast<std::size_t>(code);
  if (i < rows.size()) return std::string(rows[i].name);
  return "Code(" + std::to_string(i) + ")";
}

Code parse_code(std::string_view text) {
  const auto value = parse_number<unsigned>(text);
  return value && *value < rows.size() ? static_cast<Code>(*value) : Code::Unknown;
}

Status to_status(Code code, std::string_view description) {
  const auto i = static_cast<std::size_t>(code);
  Status status;
  status.reason = i < rows.size() ? rows[i].reason : Reason::Unknown;
  status.message = std::string(prefix).append(code_name(code));
  status.message.append(mark).append(description);
  return status;
}

Code code_of(const Status& status) {
  if (const Code told = code_in_message(status); told != Code::Ok) return told;
  switch (status.reason) {
    case Reason::Unknown: return Code::Unknown;
    case Reason::NotAcceptable:
    case Reason::UnsupportedMediaType: return Code::InvalidArgument;
    case Reason::Gone:
    case Reason::Expired: return Code::OutOfRange;
    case Reason::ServerTimeout: return Code::Unavailable;
    case Reason::RequestEntityTooLarge: return Code::ResourceExhausted;
    case Reason::Conflict: return Code::FailedPrecondition;
    default: break;
  }
  for (std::size_t i = 1; i < rows.size(); ++i) {
    if (rows[i].reason == status.reason) return static_cast<Code>(i);
  }
  return Code::Unknown;
}

std::string_view description_of(const Status& status) {
  const std::string_view message = status.message;
  if (!message.starts_with(prefix)) return message;
  const auto at = message.find(mark);
  return at == std::string_view::npos ? message : message.substr(at + mark.size());
}

}  // namespace pintle::net::grpc

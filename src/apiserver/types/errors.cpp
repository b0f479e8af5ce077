#include "apiserver/types/errors.h"

#include <fmt/format.h>

#include "codec/json_text.h"

namespace pintle::apiserver::errors {

const std::string_view modified_message = "the object has been modified; please apply your changes to the latest version and try again";

namespace {

Status make(Reason reason, std::string message, const GroupResource& resource, std::string_view name) {
  Status status{reason, 0, std::move(message), {}};
  status.details.name = name;
  status.details.group = resource.group;
  status.details.kind = resource.resource;
  status.details.shown = true;
  return status;
}

std::string joined(const std::vector<StatusCause>& causes) {
  if (causes.size() == 1) return causes[0].field + ": " + causes[0].message;
  std::string out = "[";
  for (std::size_t i = 0; i < causes.size(); ++i) {
    if (i > 0) out += ", ";
    out += causes[i].field + ": " + causes[i].message;
  }
  return out + "]";
}

}  // namespace

std::string qualified(const GroupResource& resource) { return resource.group.empty() ? resource.resource : resource.resource + "." + resource.group; }

Status not_found(const GroupResource& resource, std::string_view name) {
  return make(Reason::NotFound, fmt::format("{} \"{}\" not found", qualified(resource), name), resource, name);
}

Status already_exists(const GroupResource& resource, std::string_view name) {
  return make(Reason::AlreadyExists, fmt::format("{} \"{}\" already exists", qualified(resource), name), resource, name);
}

Status conflict(const GroupResource& resource, std::string_view name, std::string_view why) {
  return make(Reason::Conflict, fmt::format("Operation cannot be fulfilled on {} \"{}\": {}", qualified(resource), name, why), resource, name);
}

Status invalid(std::string_view group, std::string_view kind, std::string_view name, std::vector<StatusCause> causes) {
  const GroupResource about{std::string(group), std::string(kind)};
  Status status = make(Reason::Invalid, {}, about, name);
  const std::string full = group.empty() ? std::string(kind) : fmt::format("{}.{}", kind, group);
  status.message =
      causes.empty() ? fmt::format("{} \"{}\" is invalid", full, name) : fmt::format("{} \"{}\" is invalid: {}", full, name, joined(causes));
  status.details.causes = std::move(causes);
  return status;
}

Status forbidden(const GroupResource& resource, std::string_view name, std::string_view why) {
  std::string message = resource.resource.empty() ? fmt::format("forbidden: {}", why)
                        : name.empty()            ? fmt::format("{} is forbidden: {}", qualified(resource), why)
                                                  : fmt::format("{} \"{}\" is forbidden: {}", qualified(resource), name, why);
  return make(Reason::Forbidden, std::move(message), resource, name);
}

Status no_such_route() { return make(Reason::NotFound, "the server could not find the requested resource", {}, {}); }

Status method_not_allowed() { return make(Reason::MethodNotAllowed, "the server does not allow this method on the requested resource", {}, {}); }

Status not_acceptable(bool with_details) {
  Status status =
      make(Reason::NotAcceptable,
           "only the following media types are accepted: application/json, application/yaml, application/vnd.kubernetes.protobuf", {}, {});
  status.details.shown = with_details;
  return status;
}

Status unsupported_media_type(bool with_details) {
  Status status = make(Reason::UnsupportedMediaType, "the body of the request was in an unknown format", {}, {});
  status.details.shown = with_details;
  return status;
}

Status expired_continue() {
  return Status{Reason::Expired,
                0,
                "the continue token is older than the history that is kept: list again without it, or go on with the token of this answer, "
                "which leads through the objects as they are by then rather than as they were at the first page",
                {}};
}

Status too_large_resource_version(int64_t wanted, int64_t have) {
  Status status{Reason::Timeout, 0, fmt::format("Too large resource version: {}, current: {}", wanted, have), {}};
  status.details.causes.push_back({"ResourceVersionTooLarge", "Too large resource version", ""});
  status.details.retry_after_seconds = 1;
  return status;
}

Status too_many_requests() {
  Status status{Reason::TooManyRequests, 0, "too many requests are being served, please try again later", {}};
  status.details.retry_after_seconds = 1;
  return status;
}

Status server_answer(int code, std::string_view text) {
  Status out{Reason::Unknown, code, {}, {}};
  const auto say = [&](Reason reason, std::string_view message) {
    out.reason = reason;
    out.message = message;
  };
  switch (code) {
    case 400: say(Reason::BadRequest, "the server rejected our request for an unknown reason"); break;
    case 401: say(Reason::Unauthorized, "the server has asked for the client to provide credentials"); break;
    case 403: say(Reason::Forbidden, text); break;
    case 404: say(Reason::NotFound, "the server could not find the requested resource"); break;
    case 405: say(Reason::MethodNotAllowed, "the server does not allow this method on the requested resource"); break;
    case 406:
      say(Reason::NotAcceptable, text.empty() ? "the server was unable to respond with a content type that the client supports" : text);
      break;
    case 409: say(Reason::AlreadyExists, "the server reported a conflict"); break;
    case 415: say(Reason::UnsupportedMediaType, text); break;
    case 422: say(Reason::Invalid, "the server rejected our request due to an error in our request"); break;
    case 429: say(Reason::TooManyRequests, "the server has received too many requests and has asked us to try again later"); break;
    case 503: say(Reason::ServiceUnavailable, "the server is currently unable to handle the request"); break;
    case 504: say(Reason::Timeout, "the server was unable to return a response in the time allotted, but may still be processing the request"); break;
    default:
      if (code >= 500)
        say(Reason::InternalError, fmt::format("an error on the server ({}) has prevented the request from succeeding", codec::go_quote(text)));
      else
        say(Reason::Unknown, fmt::format("the server responded with the status code {} but did not return more information", code));
  }
  return out;
}

Status internal_error(std::string_view why) {
  return Status{Reason::InternalError, 0, fmt::format("Internal error occurred: {}", why), {.causes = {{.message = std::string(why)}}}};
}

StatusCause cause(std::string_view type, std::string_view field, std::string message) {
  return {std::string(type), std::move(message), std::string(field)};
}

}  // namespace pintle::apiserver::errors

#include "apiserver/authorization/authorizer.h"

#include <fmt/format.h>

#include "apiserver/types/errors.h"
#include "apiserver/types/request_info.h"
#include "base/check.h"
#include "codec/json_text.h"

namespace pintle::apiserver::authorization {

AuthorizationAttributes make_attributes(const UserInfo& user, const RequestInfo& info) {
  AuthorizationAttributes out;
  out.user = user;
  out.is_resource = info.is_resource;
  out.verb = info.verb;
  out.group = info.group;
  out.version = info.version;
  out.ns = info.ns;
  out.resource = info.resource;
  out.subresource = info.subresource;
  out.name = info.name;
  out.path = info.path;
  out.label_selector = info.label_selector;
  out.field_selector = info.field_selector;
  return out;
}

rt::Task<AuthorizationResult> Authorizer::authorize(rt::Context, const AuthorizationAttributes& attributes) {
  auto result = authorize_now(attributes);
  CHECK(result, "an authorizer that waits overrides authorize()");
  co_return std::move(*result);
}

Status forbidden(const AuthorizationAttributes& a, std::string_view reason) {
  std::string text;
  if (!a.is_resource) {
    text = fmt::format("User {} cannot {} path {}", codec::go_quote(a.user.name), a.verb, codec::go_quote(a.path));
  } else {
    const std::string resource = a.subresource.empty() ? a.resource : a.resource + "/" + a.subresource;
    text = fmt::format("User {} cannot {} resource {} in API group {}", codec::go_quote(a.user.name), a.verb, codec::go_quote(resource),
                       codec::go_quote(a.group));
    text += a.ns.empty() ? std::string(" at the cluster scope") : fmt::format(" in the namespace {}", codec::go_quote(a.ns));
  }
  if (!reason.empty()) text.append(": ").append(reason);
  Status status = errors::forbidden(GroupResource{a.group, a.resource}, a.name, text);
  status.details.shown = true;
  return status;
}

}  // namespace pintle::apiserver::authorization

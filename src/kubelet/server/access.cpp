#include "kubelet/server/access.h"

#include <algorithm>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "api/gen/authorization_v1.h"
#include "component/certificate/certificate.h"
#include "component/certificate/keys.h"
#include "net/text.h"

namespace pintle::kubelet::server {

namespace {

namespace authn = api::authentication_v1;
namespace authz = api::authorization_v1;

constexpr std::string_view authenticated_group = "system:authenticated";
constexpr std::string_view anonymous_user = "system:anonymous";
constexpr std::string_view anonymous_group = "system:unauthenticated";

Unexpected<Status> unauthorized() { return error(Reason::Unauthorized, "Unauthorized"); }

// The token of "Authorization: Bearer TOKEN"; "": none.
std::string bearer_token(const net::Request& request) {
  const std::string_view header = net::trim(request.headers.get("authorization"));
  const auto space = header.find(' ');
  if (space == header.npos || !net::equal_fold(header.substr(0, space), "bearer")) return "";
  return std::string(net::trim(header.substr(space + 1)));
}

void add_authenticated(User& user) {
  if (std::ranges::find(user.groups, authenticated_group) == user.groups.end()) user.groups.emplace_back(authenticated_group);
}

Result<User> user_of_certificate(std::string_view der, rt::WallTime wall_now) {
  TRY_ASSIGN(const auto certificate, component::parse_certificate_der(der));
  const int64_t now = std::chrono::duration_cast<std::chrono::seconds>(wall_now.time_since_epoch()).count();
  // A connection may outlive the certificate that opened it.
  if (certificate.common_name.empty() || now < certificate.not_before || now > certificate.not_after) return unauthorized();
  User user;
  user.username = certificate.common_name;
  user.groups = certificate.organizations;
  return user;
}

}  // namespace

std::string decision_key(const User& user, std::string_view verb, std::string_view subresource) {
  std::string key;
  const auto add = [&key](std::string_view text) { key += fmt::format("{}:{}", text.size(), text); };
  for (const std::string_view text : {verb, subresource, std::string_view(user.username), std::string_view(user.uid)}) add(text);
  key += fmt::format("{};", user.groups.size());
  for (const auto& group : user.groups) add(group);
  for (const auto& [name, values] : user.extra) {
    add(name);
    key += fmt::format("{};", values.size());
    for (const auto& value : values) add(value);
  }
  return key;
}

template <class T>
std::optional<T> Access::Cache<T>::get(const std::string& key, rt::TimePoint now) {
  const auto it = entries.find(key);
  if (it == entries.end()) return std::nullopt;
  if (it->second.until > now) return it->second.value;
  entries.erase(it);
  return std::nullopt;
}

template <class T>
void Access::Cache<T>::put(std::string key, T value, rt::TimePoint now, rt::TimePoint until) {
  if (entries.size() >= access_answers_max) std::erase_if(entries, [&](const auto& item) { return item.second.until <= now; });
  if (entries.size() >= access_answers_max) entries.erase(std::ranges::min_element(entries, {}, [](const auto& item) { return item.second.until; }));
  entries.insert_or_assign(std::move(key), Entry{std::move(value), until});
}

// A credential that was shown and is no good never makes its sender anonymous; a good token beside a bad certificate counts.
rt::Task<Result<User>> Access::authenticate(rt::Context ctx, const net::Request& request) {
  if (request.peer && !request.peer->verified_chain_der.empty()) {
    auto user = user_of_certificate(request.peer->verified_chain_der.front(), deps_.clock.wall_now());
    if (!user) co_return user;
    add_authenticated(*user);
    co_return user;
  }
  std::string token = bearer_token(request);
  if (!token.empty()) {
    if (!deps_.authentication.webhook.enabled.value_or(true) || deps_.client == nullptr) co_return unauthorized();
    auto user = co_await user_of_token(std::move(ctx), std::move(token));
    if (!user || !*user) co_return unauthorized();
    add_authenticated(**user);
    co_return std::move(**user);
  }
  if (!request.peer_error.empty() || !deps_.authentication.anonymous.enabled.value_or(false)) co_return unauthorized();
  User user;
  user.username = anonymous_user;
  user.groups.emplace_back(anonymous_group);
  co_return user;
}

rt::Task<Result<std::optional<User>>> Access::user_of_token(rt::Context ctx, std::string token) {
  std::string key = component::sha256(token);  // tokens are not kept
  {
    ThreadLock lock(mutex_);
    if (auto known = tokens_.get(key, deps_.clock.now())) co_return std::move(*known);
  }
  authn::TokenReview review;
  review.spec.token = std::move(token);
  CO_TRY_ASSIGN(const auto answer, co_await deps_.client->create(std::move(ctx), std::move(review)));
  std::optional<User> user;
  if (answer.status.authenticated) user = answer.status.user;
  ThreadLock lock(mutex_);
  const rt::TimePoint now = deps_.clock.now();
  tokens_.put(std::move(key), user, now, now + rt::Duration(deps_.authentication.webhook.cache_ttl.nanos));
  co_return user;
}

rt::Task<Result<bool>> Access::allowed(rt::Context ctx, User user, std::string verb, std::string subresource) {
  std::string key = decision_key(user, verb, subresource);
  {
    ThreadLock lock(mutex_);
    if (auto known = decisions_.get(key, deps_.clock.now())) co_return *known;
  }
  if (deps_.client == nullptr) co_return error(Reason::ServiceUnavailable, "there is no API server to ask");
  authz::SubjectAccessReview review;
  review.spec.user = std::move(user.username);
  review.spec.groups = std::move(user.groups);
  review.spec.uid = std::move(user.uid);
  review.spec.extra = std::move(user.extra);
  authz::ResourceAttributes& what = review.spec.resource_attributes.ensure();
  what.verb = std::move(verb);
  what.version = "v1";
  what.resource = "nodes";
  what.subresource = std::move(subresource);
  what.name = deps_.node_name;
  CO_TRY_ASSIGN(const auto answer, co_await deps_.client->create(std::move(ctx), std::move(review)));
  const bool allow = answer.status.allowed && !answer.status.denied;
  const auto& keep = deps_.authorization.webhook;
  ThreadLock lock(mutex_);
  const rt::TimePoint now = deps_.clock.now();
  decisions_.put(std::move(key), allow, now, now + rt::Duration(allow ? keep.cache_authorized_ttl.nanos : keep.cache_unauthorized_ttl.nanos));
  co_return allow;
}

rt::Task<Result<Unit>> Access::authorize(rt::Context ctx, User user, RequestAttributes attributes) {
  if (deps_.authorization.mode == api::kubeletconfig_v1beta1::KubeletAuthorizationMode::AlwaysAllow) co_return Unit{};
  for (const std::string& subresource : attributes.subresources) {
    auto decision = co_await allowed(ctx, user, attributes.verb, subresource);
    if (!decision)
      co_return internal(
          fmt::format("Authorization error (user={}, verb={}, resource=nodes, subresource={})", user.username, attributes.verb, subresource));
    if (*decision) co_return Unit{};
  }
  co_return error(Reason::Forbidden, fmt::format("Forbidden (user={}, verb={}, resource=nodes, subresource(s)=[{}])\n", user.username,
                                                 attributes.verb, fmt::join(attributes.subresources, " ")));
}

}  // namespace pintle::kubelet::server

#include "component/serving/access.h"

#include <algorithm>

#include <fmt/format.h>

#include "component/certificate/certificate.h"
#include "component/certificate/keys.h"
#include "net/text.h"

namespace pintle::component {

namespace {

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

void add_authenticated(UserInfo& user) {
  if (std::ranges::find(user.groups, authenticated_group) == user.groups.end()) user.groups.emplace_back(authenticated_group);
}

Result<UserInfo> user_of_certificate(std::string_view der, rt::WallTime wall_now) {
  TRY_ASSIGN(const auto certificate, parse_certificate_der(der));
  const int64_t now = std::chrono::duration_cast<std::chrono::seconds>(wall_now.time_since_epoch()).count();
  // A connection may outlive the certificate that opened it.
  if (certificate.common_name.empty() || now < certificate.not_before || now > certificate.not_after) return unauthorized();
  UserInfo user;
  user.username = certificate.common_name;
  user.groups = certificate.organizations;
  return user;
}

}  // namespace

std::string access_key(const UserInfo& user, const AccessAttributes& attributes) {
  std::string key;
  const auto add = [&key](std::string_view text) { key += fmt::format("{}:{}", text.size(), text); };
  for (const std::string* text : {&attributes.verb, &attributes.path, &attributes.group, &attributes.version, &attributes.resource,
                                  &attributes.subresource, &attributes.name, &user.username, &user.uid})
    add(*text);
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
std::optional<T> DelegatedAccess::Cache<T>::get(const std::string& key, rt::TimePoint now) {
  const auto it = entries.find(key);
  if (it == entries.end()) return std::nullopt;
  if (it->second.until > now) return it->second.value;
  entries.erase(it);
  return std::nullopt;
}

template <class T>
void DelegatedAccess::Cache<T>::put(std::string key, T value, rt::TimePoint now, rt::TimePoint until) {
  if (entries.size() >= access_answers_max) std::erase_if(entries, [&](const auto& item) { return item.second.until <= now; });
  if (entries.size() >= access_answers_max) entries.erase(std::ranges::min_element(entries, {}, [](const auto& item) { return item.second.until; }));
  entries.insert_or_assign(std::move(key), Entry{std::move(value), until});
}

// A good token beside a bad certificate counts.
rt::Task<Result<UserInfo>> DelegatedAccess::authenticate(rt::Context ctx, const net::Request& request) {
  if (request.peer && !request.peer->verified_chain_der.empty()) {
    auto user = user_of_certificate(request.peer->verified_chain_der.front(), setup_.clock.wall_now());
    if (!user) co_return user;
    add_authenticated(*user);
    co_return user;
  }
  std::string token = bearer_token(request);
  if (!token.empty()) {
    if (!setup_.tokens || setup_.reviewer == nullptr) co_return unauthorized();
    auto user = co_await user_of_token(std::move(ctx), std::move(token));
    if (!user || !*user) co_return unauthorized();
    add_authenticated(**user);
    co_return std::move(**user);
  }
  if (!request.peer_error.empty() || !setup_.anonymous) co_return unauthorized();
  UserInfo user;
  user.username = anonymous_user;
  user.groups.emplace_back(anonymous_group);
  co_return user;
}

rt::Task<Result<std::optional<UserInfo>>> DelegatedAccess::user_of_token(rt::Context ctx, std::string token) {
  std::string key = sha256(token);  // tokens are not kept
  {
    const ThreadLock lock(mutex_);
    if (auto known = tokens_.get(key, setup_.clock.now())) co_return std::move(*known);
  }
  CO_TRY_ASSIGN(auto user, co_await setup_.reviewer->review_token(std::move(ctx), std::move(token)));
  const ThreadLock lock(mutex_);
  const rt::TimePoint now = setup_.clock.now();
  tokens_.put(std::move(key), user, now, now + setup_.token_ttl);
  co_return user;
}

rt::Task<Result<bool>> DelegatedAccess::is_allowed(rt::Context ctx, UserInfo user, AccessAttributes attributes) {
  std::string key = access_key(user, attributes);
  {
    const ThreadLock lock(mutex_);
    if (auto known = decisions_.get(key, setup_.clock.now())) co_return *known;
  }
  if (setup_.reviewer == nullptr) co_return error(Reason::ServiceUnavailable, "there is no API server to ask");
  CO_TRY_ASSIGN(const bool allowed, co_await setup_.reviewer->review_access(std::move(ctx), std::move(user), std::move(attributes)));
  const ThreadLock lock(mutex_);
  const rt::TimePoint now = setup_.clock.now();
  decisions_.put(std::move(key), allowed, now, now + (allowed ? setup_.allowed_ttl : setup_.denied_ttl));
  co_return allowed;
}

}  // namespace pintle::component

#include "apiserver/authorization/impersonation.h"

#include <algorithm>

#include "apimachinery/identity/service_accounts.h"

namespace pintle::apiserver::authorization {
namespace {

constexpr std::string_view header_prefix = "impersonate-";
constexpr std::string_view extra_prefix = "impersonate-extra-";

std::string lower(std::string_view text) {
  std::string out(text);
  std::transform(out.begin(), out.end(), out.begin(), [](unsigned char c) { return std::tolower(c); });
  return out;
}

// Percent escapes stand for characters that header names cannot have; a broken escape leaves the key as it is.
std::string unescape(const std::string& key) {
  const auto digit = [](char c) { return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1; };
  std::string out;
  for (std::size_t i = 0; i < key.size(); ++i) {
    if (key[i] != '%') {
      out.push_back(key[i]);
      continue;
    }
    if (i + 2 >= key.size() || digit(key[i + 1]) < 0 || digit(key[i + 2]) < 0) return key;
    out.push_back(static_cast<char>(digit(key[i + 1]) * 16 + digit(key[i + 2])));
    i += 2;
  }
  return out;
}

AuthorizationAttributes right_to(const UserInfo& real_user, std::string group, std::string resource, std::string name) {
  AuthorizationAttributes out;
  out.user = real_user;
  out.verb = "impersonate";
  out.version = "v1";
  out.group = std::move(group);
  out.resource = std::move(resource);
  out.name = std::move(name);
  return out;
}

// Membership of system:authenticated or system:unauthenticated goes with the name, unless the request states one.
void add_default_group(UserInfo& user) {
  if (user.name == user_anonymous) {
    if (!user.in_group(group_unauthenticated)) user.groups.emplace_back(group_unauthenticated);
  } else if (!user.in_group(group_authenticated) && !user.in_group(group_unauthenticated)) {
    user.groups.emplace_back(group_authenticated);
  }
}

// The name, and the groups that come with a service account's name.
void read_name(const std::string& name, bool groups_given, const UserInfo& real_user, Impersonation& out) {
  const auto account = apimachinery::account_of_user(name);
  if (!account) {
    out.needed.push_back(right_to(real_user, "", "users", name));
  } else {
    out.needed.push_back(right_to(real_user, "", "serviceaccounts", account->second));
    out.needed.back().ns = account->first;
    if (!groups_given) out.user.groups = apimachinery::service_account_groups(account->first);
  }
  out.user.name = name;
}

}  // namespace

bool wants_impersonation(const net::Headers& headers) {
  return std::any_of(headers.items().begin(), headers.items().end(), [](const net::Headers::Item& item) {
    return item.first.size() > header_prefix.size() && (item.first[0] == 'i' || item.first[0] == 'I') && lower(item.first).starts_with(header_prefix);
  });
}

Result<std::optional<Impersonation>> read_impersonation(const net::Headers& headers, const UserInfo& real_user) {
  Impersonation out;
  const std::string name(headers.get("impersonate-user"));
  const auto groups = headers.get_all("impersonate-group");
  const std::string uid(headers.get("impersonate-uid"));
  if (!name.empty()) read_name(name, !groups.empty(), real_user, out);
  for (const auto group : groups) {
    out.needed.push_back(right_to(real_user, "", "groups", std::string(group)));
    out.user.groups.emplace_back(group);
  }
  for (const auto& [header, value] : headers.items()) {
    const std::string key = lower(header);
    if (!key.starts_with(extra_prefix)) continue;
    std::string extra = unescape(key.substr(extra_prefix.size()));
    out.needed.push_back(right_to(real_user, "authentication.k8s.io", "userextras", value));
    out.needed.back().subresource = extra;
    out.user.extra[extra].push_back(value);
  }
  if (!uid.empty()) {
    out.needed.push_back(right_to(real_user, "authentication.k8s.io", "uids", uid));
    out.user.uid = uid;
  }
  if (out.needed.empty()) return std::nullopt;
  if (name.empty()) return internal("requested parts of an identity to impersonate, but no user");
  add_default_group(out.user);
  return out;
}

rt::Task<Result<UserInfo>> impersonate(rt::Context ctx, Authorizer& authorizer, const net::Headers& headers, UserInfo real_user) {
  auto wanted = read_impersonation(headers, real_user);
  if (!wanted) co_return Unexpected(std::move(wanted.error()));
  if (!*wanted) co_return real_user;
  for (const auto& attributes : (*wanted)->needed) {
    const AuthorizationResult result = co_await authorizer.authorize(ctx, attributes);
    if (result.decision != Decision::Allow) co_return Unexpected(forbidden(attributes, result.reason));
  }
  co_return std::move((*wanted)->user);
}

void drop_impersonation_headers(net::Headers& headers) {
  std::vector<std::string> names;
  for (const auto& [name, value] : headers.items())
    if (lower(name).starts_with(header_prefix)) names.push_back(name);
  for (const auto& name : names) headers.remove(name);
}

}  // namespace pintle::apiserver::authorization

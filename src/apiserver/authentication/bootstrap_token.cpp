#include "apiserver/authentication/bootstrap_token.h"

#include <algorithm>

#include "api/gen/core_v1.h"
#include "apiserver/authentication/bearer.h"
#include "component/certificate/keys.h"

namespace pintle::apiserver::authentication {
namespace {

constexpr std::string_view secret_type = "bootstrap.kubernetes.io/token";
constexpr std::string_view group_bootstrappers = "system:bootstrappers";
constexpr std::size_t id_length = 6;
constexpr std::size_t secret_length = 16;

bool is_lower_or_digit(char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'); }

bool has_token_form(std::string_view token) {
  if (token.size() != id_length + 1 + secret_length || token[id_length] != '.') return false;
  for (std::size_t i = 0; i < token.size(); ++i)
    if (i != id_length && !is_lower_or_digit(token[i])) return false;
  return true;
}

// system:bootstrappers:, then up to 255 characters of [a-z0-9:-] and one of [a-z0-9].
bool is_bootstrap_group(std::string_view group) {
  constexpr std::string_view prefix = "system:bootstrappers:";
  if (!group.starts_with(prefix)) return false;
  group.remove_prefix(prefix.size());
  const auto allowed = [](char c) { return is_lower_or_digit(c) || c == ':' || c == '-'; };
  return !group.empty() && group.size() <= 256 && is_lower_or_digit(group.back()) && std::all_of(group.begin(), group.end(), allowed);
}

std::string_view value_of(const api::core_v1::Secret& secret, std::string_view key) {
  const std::string* value = secret.data.get(key);
  return value ? std::string_view(*value) : std::string_view();
}

bool expired(const api::core_v1::Secret& secret, const rt::Clock& clock) {
  const std::string_view text = value_of(secret, "expiration");
  if (text.empty()) return false;
  const auto time = api::parse_time(text);
  const int64_t now = std::chrono::duration_cast<std::chrono::seconds>(clock.wall_now().time_since_epoch()).count();
  return !time || time->seconds <= now;  // an unreadable time is taken as past
}

std::optional<std::vector<std::string>> groups_of(const api::core_v1::Secret& secret) {
  std::vector<std::string> groups = {std::string(group_bootstrappers)};
  std::string_view list = value_of(secret, "auth-extra-groups");
  while (!list.empty()) {
    const auto comma = list.find(',');
    const std::string_view group = list.substr(0, comma);
    if (!is_bootstrap_group(group)) return std::nullopt;
    groups.emplace_back(group);
    list = comma == std::string_view::npos ? std::string_view() : list.substr(comma + 1);
  }
  std::sort(groups.begin(), groups.end());
  groups.erase(std::unique(groups.begin(), groups.end()), groups.end());
  return groups;
}

}  // namespace

std::optional<AuthenticationResult> BootstrapTokenAuthenticator::authenticate_token_now(const std::string& token,
                                                                                        const std::vector<std::string>& audiences) {
  const AuthenticationResult no(std::nullopt);
  if (!has_token_form(token)) return no;
  const std::string id = token.substr(0, id_length);
  const auto secret = reader_.get_as<api::core_v1::Secret>({"", "secrets"}, "kube-system", "bootstrap-token-" + id);
  if (!secret || secret->metadata.deletion_timestamp || secret->type != secret_type) return no;
  if (!component::equal_in_constant_time(value_of(*secret, "token-secret"), std::string_view(token).substr(id_length + 1))) return no;
  if (value_of(*secret, "token-id") != id || expired(*secret, clock_) || value_of(*secret, "usage-bootstrap-authentication") != "true") return no;
  auto groups = groups_of(*secret);
  auto good_for = agnostic_audiences(audiences_, audiences);
  if (!groups || !good_for) return no;
  AuthenticationResponse response;
  response.user.name = "system:bootstrap:" + id;
  response.user.groups = std::move(*groups);
  response.audiences = std::move(*good_for);
  return AuthenticationResult(std::move(response));
}

}  // namespace pintle::apiserver::authentication

#include "apimachinery/identity/service_accounts.h"

#include <chrono>

#include "api/values.h"
#include "apimachinery/validation/formats.h"

namespace pintle::apimachinery {
namespace {

constexpr std::string_view user_prefix = "system:serviceaccount:";
constexpr std::string_view all_accounts = "system:serviceaccounts";
constexpr std::string_view namespace_claim = "kubernetes.io/serviceaccount/namespace";
constexpr std::string_view account_claim = "kubernetes.io/serviceaccount/service-account.name";
constexpr std::string_view account_uid_claim = "kubernetes.io/serviceaccount/service-account.uid";
constexpr std::size_t day_chars = 10;
constexpr std::string_view secret_claim = "kubernetes.io/serviceaccount/secret.name";

}  // namespace

std::string service_account_user(std::string_view ns, std::string_view name) {
  std::string out(user_prefix);
  return out.append(ns).append(":").append(name);
}

std::optional<std::pair<std::string, std::string>> account_of_user(std::string_view user) {
  if (!user.starts_with(user_prefix)) return std::nullopt;
  user.remove_prefix(user_prefix.size());
  const auto colon = user.find(':');
  if (colon == std::string_view::npos) return std::nullopt;
  const std::string_view ns = user.substr(0, colon);
  const std::string_view name = user.substr(colon + 1);
  if (!check_dns_label(ns).empty() || !check_dns_subdomain(name).empty()) return std::nullopt;
  return std::make_pair(std::string(ns), std::string(name));
}

std::vector<std::string> service_account_groups(std::string_view ns) {
  std::string own(all_accounts);
  own.append(":").append(ns);
  return {std::string(all_accounts), std::move(own)};
}

std::string to_day(int64_t seconds) { return api::format_time(api::time_from_unix(seconds, 0)).substr(0, day_chars); }

std::optional<int64_t> parse_day(std::string_view text) {
  if (text.size() != day_chars || text[4] != '-' || text[7] != '-') return std::nullopt;
  const auto number = [&](std::size_t from, std::size_t count) {
    int out = 0;
    for (const char digit : text.substr(from, count)) out = digit >= '0' && digit <= '9' && out >= 0 ? out * 10 + (digit - '0') : -1;
    return out;
  };
  const int year = number(0, 4), month = number(5, 2), day = number(8, 2);
  if (year < 0 || month < 0 || day < 0) return std::nullopt;
  const std::chrono::year_month_day date{std::chrono::year(year), std::chrono::month(static_cast<unsigned>(month)),
                                         std::chrono::day(static_cast<unsigned>(day))};
  if (!date.ok()) return std::nullopt;
  return std::chrono::seconds(std::chrono::sys_days(date).time_since_epoch()).count();
}

codec::Value to_value(const SecretTokenClaims& claims) {
  codec::Value out;
  out["iss"] = secret_token_issuer;
  out[namespace_claim] = claims.ns;
  out[secret_claim] = claims.secret;
  out[account_claim] = claims.account;
  out[account_uid_claim] = claims.account_uid;
  out["sub"] = service_account_user(claims.ns, claims.account);
  return out;
}

SecretTokenClaims secret_token_claims(const codec::Value& value) {
  const auto text = [&](std::string_view name) { return std::string(value.string_at(name)); };
  return {text(namespace_claim), text(account_claim), text(account_uid_claim), text(secret_claim)};
}

}  // namespace pintle::apimachinery

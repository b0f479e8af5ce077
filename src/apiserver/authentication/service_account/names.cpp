#include "apiserver/authentication/service_account/names.h"

#include "apimachinery/validation/formats.h"

namespace pintle::apiserver::authentication::service_account {
namespace {

constexpr std::string_view user_prefix = "system:serviceaccount:";
constexpr std::string_view all_accounts = "system:serviceaccounts";

}  // namespace

std::string user_name(std::string_view ns, std::string_view name) {
  std::string out(user_prefix);
  return out.append(ns).append(":").append(name);
}

std::optional<std::pair<std::string, std::string>> split_user_name(std::string_view user) {
  if (!user.starts_with(user_prefix)) return std::nullopt;
  user.remove_prefix(user_prefix.size());
  const auto colon = user.find(':');
  if (colon == std::string_view::npos) return std::nullopt;
  const std::string_view ns = user.substr(0, colon);
  const std::string_view name = user.substr(colon + 1);
  if (!apimachinery::check_dns_label(ns).empty() || !apimachinery::check_dns_subdomain(name).empty()) return std::nullopt;
  return std::make_pair(std::string(ns), std::string(name));
}

std::vector<std::string> group_names(std::string_view ns) {
  std::string own(all_accounts);
  own.append(":").append(ns);
  return {std::string(all_accounts), std::move(own)};
}

}  // namespace pintle::apiserver::authentication::service_account

#include "apimachinery/identity/node_user.h"

#include <algorithm>

#include "apimachinery/validation/formats.h"

namespace pintle::apimachinery {

bool claims_to_be_node(std::string_view user_name, std::span<const std::string> groups) {
  return user_name.starts_with(user_node_prefix) && std::find(groups.begin(), groups.end(), group_nodes) != groups.end();
}

std::string_view node_of_user_name(std::string_view user_name) {
  if (!user_name.starts_with(user_node_prefix)) return {};
  user_name.remove_prefix(user_node_prefix.size());
  return check_dns_subdomain(user_name).empty() ? user_name : std::string_view();
}

std::string_view node_of_user(std::string_view user_name, std::span<const std::string> groups) {
  return claims_to_be_node(user_name, groups) ? node_of_user_name(user_name) : std::string_view();
}

}  // namespace pintle::apimachinery

// UserInfo: who makes a request, and the users and groups that the server knows by name.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "apimachinery/identity/node_user.h"
#include "base/flat_map.h"

namespace pintle::apiserver {

struct UserInfo {
  std::string name;
  std::string uid;
  std::vector<std::string> groups;
  FlatMap<std::vector<std::string>> extra;
  bool in_group(std::string_view group) const;
};

constexpr std::string_view group_masters = "system:masters";
using apimachinery::group_nodes;
constexpr std::string_view group_authenticated = "system:authenticated";
constexpr std::string_view group_unauthenticated = "system:unauthenticated";
constexpr std::string_view group_service_accounts = "system:serviceaccounts";
constexpr std::string_view user_anonymous = "system:anonymous";
using apimachinery::user_node_prefix;
constexpr std::string_view user_service_account_prefix = "system:serviceaccount:";

// The name of the node that `user` is; "" if the user is none (apimachinery/identity/node_user.h).
std::string_view node_name_of(const UserInfo& user);
// Whether the user has the name and the group of a node. One without a name of a node has no right of any.
bool claims_to_be_node(const UserInfo& user);

}  // namespace pintle::apiserver

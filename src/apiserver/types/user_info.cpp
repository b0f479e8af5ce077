#include "apiserver/types/user_info.h"

#include <algorithm>

namespace pintle::apiserver {

bool UserInfo::in_group(std::string_view group) const { return std::find(groups.begin(), groups.end(), group) != groups.end(); }

std::string_view node_name_of(const UserInfo& user) { return apimachinery::node_of_user(user.name, user.groups); }

bool claims_to_be_node(const UserInfo& user) { return apimachinery::claims_to_be_node(user.name, user.groups); }

}  // namespace pintle::apiserver

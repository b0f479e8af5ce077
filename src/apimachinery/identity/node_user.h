// The users that are nodes: "system:node:NAME" in the group system:nodes, where NAME is a name that a Node can have. Nothing
// else tells a node from a user name.
#pragma once

#include <span>
#include <string>
#include <string_view>

namespace pintle::apimachinery {

constexpr std::string_view group_nodes = "system:nodes";
constexpr std::string_view user_node_prefix = "system:node:";

// The node's name; "" for any other user name, "system:node:a:b" among them.
std::string_view node_of_user_name(std::string_view user_name);
// The same of a user; "" without the group.
std::string_view node_of_user(std::string_view user_name, std::span<const std::string> groups);
// Whether the user claims to be a node, by name and group, whatever follows the prefix. Such a user whom node_of_user() does not
// know is to have no right of any node.
bool claims_to_be_node(std::string_view user_name, std::span<const std::string> groups);

}  // namespace pintle::apimachinery

#include "apimachinery/identity/node_user.h"

#include <gtest/gtest.h>

#include <vector>

namespace pintle::apimachinery {
namespace {

TEST(NodeUser, IsExactlyPrefixNameAndGroup) {
  const std::vector<std::string> nodes{"system:authenticated", "system:nodes"}, others{"system:authenticated"};
  struct Case {
    const char* user;
    const char* node;
  };
  const Case cases[] = {
      {"system:node:victim", "victim"}, {"system:node:ip-10-0-0-1.eu.internal", "ip-10-0-0-1.eu.internal"},
      {"system:node:x:victim", ""},     {"system:node::victim", ""},
      {"system:node:victim:", ""},      {"system:node:", ""},
      {"system:node:Victim", ""},       {"system:node:victim ", ""},
      {"system:node:victim/x", ""},     {"system:node:../victim", ""},
      {"system:nodes:victim", ""},      {"System:node:victim", ""},
      {" system:node:victim", ""},      {"victim", ""},
  };
  for (const Case& c : cases) {
    EXPECT_EQ(node_of_user(c.user, nodes), c.node) << c.user;
    EXPECT_EQ(node_of_user_name(c.user), c.node) << c.user;
    EXPECT_EQ(node_of_user(c.user, others), "") << c.user;
    EXPECT_EQ(claims_to_be_node(c.user, nodes), std::string_view(c.user).starts_with("system:node:")) << c.user;
    EXPECT_FALSE(claims_to_be_node(c.user, others)) << c.user;
  }
}

}  // namespace
}  // namespace pintle::apimachinery

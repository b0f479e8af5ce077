#include "controller/node_ipam/cidr_set.h"

#include <gtest/gtest.h>

namespace pintle::controller::node_ipam {
namespace {

TEST(CidrSet, HandsOutPartsInOrderAndRestsThoseGivenBack) {
  auto set = CidrSet::make("10.244.0.0/22", 24);
  ASSERT_TRUE(set);
  EXPECT_EQ(set->take().value(), "10.244.0.0/24");
  EXPECT_EQ(set->take().value(), "10.244.1.0/24");
  set->give_back("10.244.0.0/24");
  EXPECT_EQ(set->take().value(), "10.244.2.0/24");
  EXPECT_EQ(set->take().value(), "10.244.3.0/24");
  EXPECT_EQ(set->take().value(), "10.244.0.0/24");
  EXPECT_FALSE(set->take());
}

TEST(CidrSet, LeavesOutWhatIsTaken) {
  auto set = CidrSet::make("10.244.0.0/22", 24);
  ASSERT_TRUE(set);
  EXPECT_TRUE(set->occupy("10.244.0.0/23"));    // larger than a part
  EXPECT_TRUE(set->occupy("10.244.2.128/25"));  // smaller than one
  EXPECT_FALSE(set->occupy("10.96.0.0/12"));
  EXPECT_EQ(set->take().value(), "10.244.3.0/24");
}

TEST(CidrSet, SpeaksBothFamilies) {
  auto set = CidrSet::make("fd00:10::/56", 64);
  ASSERT_TRUE(set);
  EXPECT_EQ(set->size(), 256u);
  EXPECT_EQ(set->take().value(), "fd00:10::/64");
  EXPECT_EQ(set->take().value(), "fd00:10:0:1::/64");
  EXPECT_FALSE(CidrSet::make("10.0.0.0/24", 16));
  EXPECT_FALSE(CidrSet::make("10.0.0.0/8", 30));
}

}  // namespace
}  // namespace pintle::controller::node_ipam

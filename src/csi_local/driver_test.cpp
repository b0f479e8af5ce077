#include "csi_local/driver.h"

#include <gtest/gtest.h>

namespace pintle::csi_local {
namespace {

using Texts = std::vector<std::string>;

Result<std::vector<Pool>> pools_of(const Texts& paths, const Texts& capacities) { return parse_pools("", paths, capacities); }

TEST(LocalPools, InTheFlagsOrder) {
  const auto read = pools_of({"default=/d", "fast=/f"}, {"fast=10Gi"});
  ASSERT_TRUE(read) << read.error().message;
  ASSERT_EQ(read->size(), 2U);
  EXPECT_EQ((*read)[0].name + (*read)[0].directory, "default/d");
  EXPECT_EQ((*read)[0].capacity_bytes, 0);
  EXPECT_EQ((*read)[1].capacity_bytes, int64_t{10} << 30);
}

TEST(LocalPools, Refused) {
  for (const Texts& bad :
       std::vector<Texts>{{}, {""}, {"/d"}, {"=/d"}, {"A=/d"}, {"a/b=/d"}, {"a="}, {"a=d"}, {"a=/x/../d"}, {"a=/d", "a=/e"}, {"a=/d", "b=/d"}})
    EXPECT_FALSE(pools_of(bad, {})) << (bad.empty() ? "none" : bad.back());
  for (const char* bad : {"", "b=1Gi", "a", "a=", "a=0", "a=-1", "a=much"}) EXPECT_FALSE(pools_of({"a=/d"}, {bad})) << bad;
}

}  // namespace
}  // namespace pintle::csi_local

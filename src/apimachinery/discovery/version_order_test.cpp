#include "apimachinery/discovery/version_order.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

namespace pintle::apimachinery {
namespace {

TEST(VersionOrder, ReleasedBeforeBetaBeforeAlphaBeforeTheRest) {
  const std::vector<std::string> sorted{"v10",       "v2",   "v1",    "v11beta2", "v10beta3", "v3beta1", "v12alpha1",
                                        "v11alpha2", "foo1", "foo10", "v01",      "v1beta",   "v1gamma1"};
  std::vector<std::string> versions = sorted;
  std::ranges::sort(versions);
  std::ranges::sort(versions, version_precedes);
  EXPECT_EQ(versions, sorted);
  EXPECT_FALSE(version_precedes("v1", "v1"));
}

}  // namespace
}  // namespace pintle::apimachinery

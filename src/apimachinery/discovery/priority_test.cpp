#include "apimachinery/discovery/priority.h"

#include <gtest/gtest.h>

#include "apimachinery/discovery/served_resources.h"

namespace pintle::apimachinery {
namespace {

TEST(DiscoveryPriority, EveryBuiltInVersionHasOne) {
  int32_t last = 1 << 20;
  for (const ServedGroupVersion& version : served_group_versions()) {
    const DiscoveryPriority priority = discovery_priority(version.group, version.version);
    EXPECT_GT(priority.group, 1000) << version.group << "/" << version.version;
    if (version.group == "apiregistration.k8s.io") continue;  // the table has it where clients see it
    EXPECT_LE(priority.group, last) << version.group << ": the table has the order of the priorities";
    last = priority.group;
  }
}

TEST(DiscoveryPriority, MetricsComeLast) { EXPECT_EQ(discovery_priority("metrics.k8s.io", "v1beta1"), (DiscoveryPriority{100, 100})); }

TEST(DiscoveryPriority, DefinitionsComeBehind) { EXPECT_EQ(discovery_priority("stable.example.com", "v1"), (DiscoveryPriority{1000, 100})); }

}  // namespace
}  // namespace pintle::apimachinery

#include "component/feature_gates.h"
#include "component/feature_metrics.h"

#include <algorithm>

#include <gtest/gtest.h>

namespace pintle::component {
namespace {

using Wanted = std::map<std::string, std::string>;

void check_on(const Wanted& wanted, std::string_view gate, bool on) {
  const auto gates = FeatureGates::parse(wanted);
  ASSERT_TRUE(gates) << gates.error().message;
  EXPECT_EQ(gates->enabled(gate), on) << gate;
}

void check_refused(const Wanted& wanted, std::string_view message) {
  const auto gates = FeatureGates::parse(wanted);
  ASSERT_FALSE(gates);
  EXPECT_EQ(gates.error().message, message);
}

TEST(FeatureGates, TableIsSortedAndWithoutRepeats) {
  const auto features = known_features();
  EXPECT_EQ(std::ranges::adjacent_find(features, std::ranges::greater_equal{}, &FeatureSpec::name), features.end());
  for (const FeatureSpec& spec : features) {
    EXPECT_FALSE(spec.stage == FeatureStage::Alpha && spec.on) << spec.name;
    EXPECT_EQ(find_feature(spec.name), &spec);
  }
}

TEST(FeatureGates, Defaults) {
  check_on({}, "EnvFiles", true);
  check_on({}, "MemoryQoS", false);
  check_on({}, "CoordinatedLeaderElection", false);
}

TEST(FeatureGates, NamedOnesWinOverStages) {
  check_on({{"EnvFiles", "false"}}, "EnvFiles", false);
  check_on({{"AllAlpha", "true"}}, "MemoryQoS", true);
  check_on({{"AllAlpha", "true"}, {"MemoryQoS", "false"}}, "MemoryQoS", false);
  check_on({{"AllAlpha", "true"}}, "CoordinatedLeaderElection", false);
  check_on({{"AllBeta", "true"}}, "CoordinatedLeaderElection", true);
  check_on({{"AllBeta", "false"}}, "EnvFiles", false);
  check_on({{"AllBeta", "false"}, {"EnvFiles", "true"}}, "EnvFiles", true);
  check_on({{"AllBeta", "false"}}, "SidecarContainers", true);
}

TEST(FeatureGates, Refusals) {
  check_refused({{"Bogus", "true"}}, "unrecognized feature gate: Bogus");
  check_refused({{"SidecarContainers", "false"}}, "feature gate SidecarContainers cannot be false: it is locked to true");
  check_refused({{"MemoryQoS", "maybe"}}, "invalid value of MemoryQoS=maybe: must be true or false");
  check_on({{"SidecarContainers", "true"}}, "SidecarContainers", true);
}

TEST(FeatureGates, WhichAreOnIsMeasured) {
  std::string page;
  write_feature_metrics(page, *FeatureGates::parse(std::map<std::string, bool>{{"CBORServingAndStorage", true}}));
  EXPECT_NE(page.find("# TYPE kubernetes_feature_enabled gauge\n"), std::string::npos);
  for (const char* line : {"{name=\"APIServerTracing\",stage=\"\"} 1", "{name=\"APIServerIdentity\",stage=\"BETA\"} 1",
                           "{name=\"CBORServingAndStorage\",stage=\"ALPHA\"} 1", "{name=\"AllowDNSOnlyNodeCSR\",stage=\"DEPRECATED\"} 0"})
    EXPECT_NE(page.find("\nkubernetes_feature_enabled" + std::string(line) + "\n"), std::string::npos) << line;
}

}  // namespace
}  // namespace pintle::component

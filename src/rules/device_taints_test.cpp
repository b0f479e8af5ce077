#include "rules/device_taints.h"

#include <gtest/gtest.h>

#include "api/testing/from_yaml.h"

namespace pintle::rules {
namespace {

namespace v1 = api::resource_v1;
using api::testing::from_yaml;

bool off(std::string_view taint, std::string_view toleration) {
  const auto tolerations = std::vector<v1::DeviceToleration>{from_yaml<v1::DeviceToleration>(toleration)};
  return device_taint_keeps_off(from_yaml<v1::DeviceTaint>(taint), tolerations);
}

TEST(DeviceTaints, EffectsThatKeepOff) {
  for (const char* effect : {"NoSchedule", "NoExecute"})
    EXPECT_TRUE(device_taint_keeps_off(from_yaml<v1::DeviceTaint>("{key: k, effect: " + std::string(effect) + "}"), {}));
  for (const char* effect : {"None", "Later"})
    EXPECT_FALSE(device_taint_keeps_off(from_yaml<v1::DeviceTaint>("{key: k, effect: " + std::string(effect) + "}"), {}));
}

TEST(DeviceTaints, Tolerations) {
  const std::string_view taint = "{key: k, value: v, effect: NoSchedule}";
  EXPECT_FALSE(off(taint, "{operator: Exists}"));
  EXPECT_FALSE(off(taint, "{key: k, operator: Exists}"));
  EXPECT_FALSE(off(taint, "{key: k, operator: Equal, value: v}"));
  EXPECT_FALSE(off(taint, "{key: k, value: v, effect: NoSchedule}"));
  EXPECT_TRUE(off(taint, "{key: k, value: w}"));
  EXPECT_TRUE(off(taint, "{key: j, operator: Exists}"));
  EXPECT_TRUE(off(taint, "{key: k, operator: Exists, effect: NoExecute}"));
  EXPECT_TRUE(off(taint, "{key: k, operator: Near}"));
}

}  // namespace
}  // namespace pintle::rules

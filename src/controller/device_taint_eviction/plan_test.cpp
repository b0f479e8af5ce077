#include "controller/device_taint_eviction/plan.h"

#include <gtest/gtest.h>

#include "api/testing/from_yaml.h"

namespace pintle::controller::device_taint_eviction {
namespace {

using api::testing::from_yaml;

SlicePtr slice(const std::string& name, int generation, const std::string& devices) {
  return std::make_shared<const ResourceSlice>(
      from_yaml<ResourceSlice>("{metadata: {name: " + name + "}, spec: {driver: drv, pool: {name: p, generation: " + std::to_string(generation) +
                               ", resourceSliceCount: 1}, devices: " + devices + "}}"));
}
const std::string tainted = "[{name: d, taints: [{key: k, effect: NoExecute, timeAdded: 1970-01-01T00:01:40Z}]}, {name: e}]";

// Seconds since 1970; -1: never.
int64_t when(const std::string& tolerations, const std::string& devices = tainted) {
  TaintedDevices known;
  (void)known.change(nullptr, slice("s", 1, devices));
  const auto claim = from_yaml<ResourceClaim>(
      "{status: {allocation: {devices: {results: [{driver: drv, pool: p, device: e}, {driver: drv, pool: p, device: d, "
      "tolerations: " +
      tolerations + "}]}}}}");
  const auto at = eviction_time(claim, known);
  return at ? at->time_since_epoch() / std::chrono::seconds(1) : -1;
}

TEST(DeviceTaintEvictionPlan, Tolerations) {
  EXPECT_EQ(when("[]"), 100);
  EXPECT_EQ(when("[{operator: Exists, effect: NoExecute}]"), -1);
  EXPECT_EQ(when("[{operator: Exists}]"), -1) << "every effect";
  EXPECT_EQ(when("[{operator: Exists, effect: NoSchedule}]"), 100);
  EXPECT_EQ(when("[{operator: Exists, effect: NoExecute, tolerationSeconds: 60}, {key: k, operator: Exists, tolerationSeconds: 20}]"), 120)
      << "the shortest";
  EXPECT_EQ(when("[{operator: Exists, tolerationSeconds: -5}]"), 100);
  EXPECT_GT(when("[{operator: Exists, tolerationSeconds: 9223372036854775807}]"), 100);
  EXPECT_EQ(when("[]", "[{name: d, taints: [{key: k, effect: NoSchedule, timeAdded: 1970-01-01T00:01:40Z}]}]"), -1);
  EXPECT_EQ(when("[]", "[{name: d, taints: [{key: k, effect: NoExecute}]}]"), -1) << "nobody knows since when";
}

TEST(DeviceTaintEvictionPlan, OnlyTheNewestGenerationCounts) {
  TaintedDevices known;
  EXPECT_EQ(known.change(nullptr, slice("a", 1, tainted)), std::vector<std::string>{"drv/p/d"});
  EXPECT_TRUE(known.change(slice("a", 1, tainted), slice("a", 1, tainted)).empty()) << "as it was";
  const auto newer = slice("b", 2, "[{name: d}]");
  EXPECT_EQ(known.change(nullptr, newer), std::vector<std::string>{"drv/p/d"});
  EXPECT_EQ(known.find("drv/p/d"), nullptr);
  EXPECT_EQ(known.change(newer, nullptr), std::vector<std::string>{"drv/p/d"});
  EXPECT_NE(known.find("drv/p/d"), nullptr);
  EXPECT_EQ(known.change(slice("a", 1, tainted), nullptr), std::vector<std::string>{"drv/p/d"});
  EXPECT_EQ(known.find("drv/p/d"), nullptr);
}

TEST(DeviceTaintEvictionPlan, ThePodsOwnClaims) {
  TaintedDevices known;
  (void)known.change(nullptr, slice("s", 1, tainted));
  const auto goes = [&](const std::string& pod, const std::string& reserved) {
    const auto claim =
        std::make_shared<const ResourceClaim>(from_yaml<ResourceClaim>("{metadata: {name: c}, status: {allocation: {devices: {results: [{driver: "
                                                                       "drv, pool: p, device: d}]}}, reservedFor: [{resource: pods, name: p, uid: " +
                                                                       reserved + "}]}}"));
    return eviction_time(
               from_yaml<Pod>(pod), [&](const std::string&) { return claim; }, known)
        .has_value();
  };
  EXPECT_TRUE(goes("{metadata: {uid: u}, spec: {nodeName: n1, resourceClaims: [{name: r, resourceClaimName: c}]}}", "u"));
  EXPECT_FALSE(goes("{metadata: {uid: u}, spec: {nodeName: n1, resourceClaims: [{name: r, resourceClaimName: c}]}}", "v")) << "reserved for another";
  EXPECT_FALSE(goes("{metadata: {uid: u}, spec: {resourceClaims: [{name: r, resourceClaimName: c}]}}", "u")) << "not bound";
  EXPECT_FALSE(goes("{metadata: {uid: u}, spec: {nodeName: n1}}", "u"));
}

}  // namespace
}  // namespace pintle::controller::device_taint_eviction

#include "controller/device_taint_eviction/controller.h"

#include <gtest/gtest.h>

#include "api/testing/from_yaml.h"
#include "controller/device_taint_eviction/plan.h"
#include "controller/testing.h"

namespace pintle::controller::device_taint_eviction {
namespace {

using api::testing::from_yaml;
using std::chrono::seconds;
using testing::pass;
using testing::World;

ResourceSlice slice(const std::string& taints) {
  return from_yaml<ResourceSlice>(
      "{metadata: {name: s}, spec: {driver: drv, pool: {name: p, generation: 1, resourceSliceCount: 1}, devices: [{name: d, taints: " + taints +
      "}]}}");
}
void put_pod(World& world, const std::string& tolerations) {
  world.server.put(
      from_yaml<Pod>("{metadata: {namespace: ns, name: p, uid: u}, spec: {nodeName: n1, resourceClaims: [{name: r, resourceClaimName: c}]}}"));
  world.server.put(from_yaml<ResourceClaim>(
      "{metadata: {namespace: ns, name: c, uid: cu}, status: {allocation: {devices: {results: [{driver: drv, pool: p, device: "
      "d, tolerations: " +
      tolerations + "}]}}, reservedFor: [{resource: pods, name: p, uid: u}]}}"));
}
const char* const taint = "[{key: k, effect: NoExecute, timeAdded: 1970-01-01T00:00:00Z}]";

TEST(DeviceTaintEviction, EvictsOnce) {
  testing::in_world([](World& world) -> rt::Task<void> {
    put_pod(world, "[]");
    world.server.put(slice("[]"));
    co_await world.start(make_device_taint_eviction_controller);
    co_await pass(seconds(1));
    EXPECT_TRUE(world.server.writes.empty());
    world.server.put(slice(taint));
    co_await pass(seconds(60));
    EXPECT_EQ(world.event("DeviceTaintManagerEviction"), "Marking for deletion");
    EXPECT_EQ(world.server.written("PATCH", "/pods/p/status").size(), 1u);
    EXPECT_EQ(world.server.written("DELETE", "/pods/p").size(), 1u);
    EXPECT_TRUE(world.tells("device_taint_eviction_controller_pod_deletions_total 1"));
    EXPECT_TRUE(world.tells("device_taint_eviction_controller_pod_deletion_duration_seconds_count 1"));
  });
}

TEST(DeviceTaintEviction, ATaintThatGoesInTime) {
  testing::in_world([](World& world) -> rt::Task<void> {
    const rt::Duration since = rt::Executor::current().runtime().clock().wall_now().time_since_epoch();
    put_pod(world, "[{operator: Exists, effect: NoExecute, tolerationSeconds: " + std::to_string(since / seconds(1) + 100) + "}]");
    world.server.put(slice(taint));
    co_await world.start(make_device_taint_eviction_controller);
    co_await pass(seconds(50));
    world.server.put(slice("[]"));
    co_await pass(seconds(200));
    EXPECT_EQ(world.event("DeviceTaintManagerEviction"), "Cancelling deletion");
    EXPECT_TRUE(world.server.written("DELETE", "/pods/p").empty());
    world.server.put(slice(taint));
    co_await pass(seconds(5));
    EXPECT_EQ(world.server.written("DELETE", "/pods/p").size(), 1u) << "the time has passed by now";
  });
}

TEST(DeviceTaintEviction, NothingWithoutTheFeature) {
  testing::in_world([](World& world) -> rt::Task<void> {
    world.options.feature_gates = *component::FeatureGates::parse(std::map<std::string, bool>{{"DRADeviceTaints", false}});
    put_pod(world, "[]");
    world.server.put(slice(taint));
    co_await world.start(make_device_taint_eviction_controller);
    co_await pass(seconds(60));
    EXPECT_TRUE(world.server.writes.empty());
  });
}

}  // namespace
}  // namespace pintle::controller::device_taint_eviction

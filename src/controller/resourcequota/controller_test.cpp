#include "controller/resourcequota/controller.h"

#include <gtest/gtest.h>

#include "controller/testing.h"

namespace pintle::controller::resourcequota {
namespace {

using api::core_v1::ResourceQuota;
using testing::pass;
using testing::World;

ResourceQuota quota_with(int64_t pods_used) {
  ResourceQuota quota;
  quota.metadata.name = quota.metadata.uid = "q";
  quota.metadata.namespace_ = "default";
  quota.spec.hard["pods"] = quota.status.hard["pods"] = api::Quantity::from_int(5);
  quota.status.used["pods"] = api::Quantity::from_int(pods_used);
  return quota;
}

// A create that failed after admission had charged for it: no object ever comes or goes.
void check_recount(rt::Duration period, rt::Duration time, bool counted) {
  testing::in_world([=](World& world) -> rt::Task<void> {
    world.options.resource_quota_sync_period = period;
    world.server.put(quota_with(0));
    co_await world.start(make_resourcequota_controller);
    co_await pass(std::chrono::seconds(1));
    world.server.put(quota_with(3));
    world.server.tell_progress<api::core_v1::Pod>();
    co_await pass(time);
    const auto written = world.server.written("PUT", "/resourcequotas/q/status");
    EXPECT_EQ(written.size(), counted ? 1u : 0u);
    for (const auto& write : written) EXPECT_EQ(write.as<ResourceQuota>().status.used, quota_with(0).status.used);
  });
}

TEST(QuotaController, CountsAgainAfterItsPeriod) {
  using std::chrono::minutes;
  const rt::Duration usual = ControllerOptions().resource_quota_sync_period;
  EXPECT_EQ(usual, minutes(5));
  check_recount(usual, minutes(4), false);
  check_recount(usual, minutes(6), true);
  check_recount(minutes(1), std::chrono::seconds(90), true);
  check_recount(rt::Duration::zero(), minutes(60), false);
}

api::core_v1::Pod pod_named(const std::string& name) {
  api::core_v1::Pod pod;
  pod.metadata.name = pod.metadata.uid = name;
  pod.metadata.namespace_ = "default";
  pod.status.phase = "Running";
  return pod;
}
std::string used_of(World& world) {
  std::string out;
  for (const auto& write : world.server.written("PUT", "/resourcequotas/q/status"))
    out += (out.empty() ? "" : " ") + write.as<ResourceQuota>().status.used.get("pods")->text();
  return out;
}

// Admission charges for a pod "c", which is stored a second later; meanwhile another goes. `shows`: the quota's figure when that is heard of.
void check_fresh_charge(int64_t shows, const std::string& written) {
  testing::in_world([=](World& world) -> rt::Task<void> {
    world.server.put(pod_named("a"));
    world.server.put(pod_named("b"));
    world.server.put(quota_with(2));
    co_await world.start(make_resourcequota_controller);
    co_await pass(std::chrono::seconds(3));
    world.server.put(quota_with(shows));
    world.server.remove(pod_named("a"));
    co_await pass(std::chrono::milliseconds(900));
    EXPECT_EQ(used_of(world), "") << "counted now, the quota would let one more in";
    world.server.put(pod_named("c"));
    co_await pass(std::chrono::seconds(1));
    EXPECT_EQ(used_of(world), written);
  });
}

TEST(QuotaController, NeverTakesAFreshChargeBack) {
  check_fresh_charge(3, "2");
  // A list after an outage shows the last state: what was counted down and charged meanwhile looks as if nothing had happened.
  check_fresh_charge(2, "");
}

// Charges of one name that never pause do not hold back another's count.
TEST(QuotaController, OthersChargesHoldNothingBackForLong) {
  testing::in_world([](World& world) -> rt::Task<void> {
    world.server.put(pod_named("a"));
    ResourceQuota quota = quota_with(1);
    quota.spec.hard["services"] = quota.status.hard["services"] = api::Quantity::from_int(1000);
    quota.status.used["services"] = api::Quantity::from_int(0);
    world.server.put(quota);
    co_await world.start(make_resourcequota_controller);
    co_await pass(std::chrono::seconds(3));
    world.server.remove(pod_named("a"));
    for (int i = 1; i <= 30; ++i) {
      quota.status.used["services"] = api::Quantity::from_int(i);
      world.server.put(quota);
      world.server.tell_progress<api::core_v1::Pod>();
      co_await pass(std::chrono::milliseconds(500));
    }
    EXPECT_TRUE(used_of(world).starts_with("0")) << used_of(world);
  });
}

// The pods' watch tells nothing, as one that is cut off: what it does not show may be there.
TEST(QuotaController, CountsDownOnlyWhatItsInformerHasReached) {
  testing::in_world([](World& world) -> rt::Task<void> {
    world.options.resource_quota_sync_period = std::chrono::seconds(10);
    world.server.put(pod_named("a"));
    world.server.put(quota_with(1));
    co_await world.start(make_resourcequota_controller);
    co_await pass(std::chrono::seconds(3));
    world.server.put(quota_with(2));
    co_await pass(std::chrono::seconds(60));
    EXPECT_EQ(used_of(world), "");
    world.server.tell_progress<api::core_v1::Pod>();
    co_await pass(std::chrono::seconds(6));
    EXPECT_EQ(used_of(world), "1");
  });
}

}  // namespace
}  // namespace pintle::controller::resourcequota

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

}  // namespace
}  // namespace pintle::controller::resourcequota

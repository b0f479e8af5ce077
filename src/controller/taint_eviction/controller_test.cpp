#include "controller/taint_eviction/controller.h"

#include <gtest/gtest.h>

#include "controller/taint_eviction/plan.h"
#include "controller/testing.h"

namespace pintle::controller::taint_eviction {
namespace {

using api::core_v1::Node;
using api::core_v1::Pod;
using api::core_v1::Toleration;
using std::chrono::seconds;
using testing::pass;
using testing::World;

using Seconds = std::optional<int64_t>;  // nullopt: for ever

std::vector<Toleration> tolerating(Seconds time, const std::string& key = "k") {
  Toleration out;
  out.key = key;
  out.operator_ = "Exists";
  out.effect = "NoExecute";
  out.toleration_seconds = time;
  return {out};
}

Pod pod(Seconds time) {
  Pod out;
  out.metadata.name = out.metadata.uid = "p";
  out.metadata.namespace_ = "default";
  out.spec.node_name = "n";
  out.spec.tolerations = tolerating(time);
  return out;
}

// The toleration's time changes ten seconds after the start. `evicted_at`: in seconds from the start; -1: never.
void check_change(Seconds before, Seconds after, int evicted_at, bool cancelled) {
  testing::in_world([=](World& world) -> rt::Task<void> {
    Node node;
    node.metadata.name = "n";
    auto& taint = node.spec.taints.emplace_back();
    taint.key = "k";
    taint.effect = "NoExecute";
    world.server.put(node);
    world.server.put(pod(before));
    std::optional<rt::TimePoint> gone;
    rt::Clock& clock = rt::Executor::current().runtime().clock();
    world.server.on_write = [&](const client::testing::FakeServer::Write& write) {
      if (write.method == "DELETE" && !gone) gone = clock.now();
      return 200;
    };
    co_await world.start(make_taint_eviction_controller);
    const rt::TimePoint start = clock.now();
    co_await pass(seconds(10));
    world.server.put(pod(after));
    co_await pass(seconds(600));
    world.server.on_write = nullptr;
    EXPECT_EQ(gone ? (*gone - start) / seconds(1) : -1, evicted_at);
    EXPECT_EQ(world.event("TaintManagerEviction").starts_with("Cancelling"), cancelled);
    EXPECT_EQ(world.tells("taint_eviction_controller_pod_deletions_total 0"), evicted_at < 0);
    EXPECT_EQ(world.tells("taint_eviction_controller_pod_deletion_duration_seconds_count 0"), evicted_at < 0);
  });
}

TEST(TaintEviction, SeesThatATolerationChanged) {
  check_change(std::nullopt, 20, 30, false);
  check_change(30, std::nullopt, -1, true);
  check_change(30, 300, 30, false);  // once it is set, the time stands
  check_change(300, 30, 300, false);
}

// Against k=7:NoExecute. With the feature on, what the scheduler bound is not evicted again.
TEST(TaintEvictionPlan, ComparisonsCountWithTheirFeature) {
  api::core_v1::Taint taint;
  taint.key = "k";
  taint.value = "7";
  taint.effect = "NoExecute";
  Toleration more_than_five;
  more_than_five.key = "k";
  more_than_five.operator_ = "Gt";
  more_than_five.value = "5";
  more_than_five.effect = "NoExecute";
  EXPECT_EQ(plan_stay({taint}, {more_than_five}, true), (Stay{true, {}}));
  EXPECT_EQ(plan_stay({taint}, {more_than_five}, false), Stay{});
}

TEST(TaintEvictionPlan, TolerationsAreComparedByContent) {
  EXPECT_TRUE(same_tolerations(tolerating(5), tolerating(5)));
  EXPECT_TRUE(same_tolerations({}, {}));
  EXPECT_FALSE(same_tolerations(tolerating(5), tolerating(6)));
  EXPECT_FALSE(same_tolerations(tolerating(5), tolerating(std::nullopt)));
  EXPECT_FALSE(same_tolerations(tolerating(5), tolerating(5, "other")));
  EXPECT_FALSE(same_tolerations(tolerating(5), {}));
}

}  // namespace
}  // namespace pintle::controller::taint_eviction

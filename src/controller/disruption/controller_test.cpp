#include "controller/disruption/controller.h"

#include <gtest/gtest.h>

#include "api/gen/apps_v1.h"
#include "controller/disruption/plan.h"
#include "controller/objects/owner.h"
#include "controller/objects/time.h"
#include "controller/testing.h"

namespace pintle::controller::disruption {
namespace {

using api::apps_v1::ReplicaSet;
using api::core_v1::Pod;
using testing::World;

void add_pod(World& world, const std::string& name, const ReplicaSet* owner) {
  Pod pod;
  pod.metadata.name = pod.metadata.uid = name;
  pod.metadata.namespace_ = "default";
  pod.metadata.labels["app"] = "web";
  if (owner != nullptr) pod.metadata.owner_references.push_back(rules::controller_reference("apps/v1", "ReplicaSet", owner->metadata));
  auto& ready = pod.status.conditions.emplace_back();
  ready.type = "Ready";
  ready.status = "True";
  world.server.put(pod);
}

PodDisruptionBudget budget(int32_t max_unavailable) {
  PodDisruptionBudget out;
  out.metadata.name = out.metadata.uid = "b";
  out.metadata.namespace_ = "default";
  out.spec.selector.emplace().match_labels["app"] = "web";
  out.spec.max_unavailable.emplace().int_value = max_unavailable;
  return out;
}

// A pod that no workload owns does not stop the count of those that have one.
void check_mixed(int owned, int naked, bool warned, int32_t expected, int32_t healthy, int32_t allowed) {
  testing::in_world([=](World& world) -> rt::Task<void> {
    ReplicaSet set;
    set.metadata.name = set.metadata.uid = "set";
    set.metadata.namespace_ = "default";
    set.spec.replicas = 3;
    world.server.put(set);
    for (int i = 0; i < owned; ++i) add_pod(world, "owned-" + std::to_string(i), &set);
    for (int i = 0; i < naked; ++i) add_pod(world, "naked-" + std::to_string(i), nullptr);
    world.server.put(budget(1));
    co_await world.start(make_disruption_controller);
    co_await testing::pass(std::chrono::seconds(2));
    const auto written = world.server.written("PUT", "/poddisruptionbudgets/b/status");
    EXPECT_FALSE(written.empty());
    if (written.empty()) co_return;
    const auto status = written[0].as<PodDisruptionBudget>().status;
    EXPECT_EQ(status.expected_pods, expected);
    EXPECT_EQ(status.current_healthy, healthy);
    EXPECT_EQ(status.disruptions_allowed, allowed);
    EXPECT_EQ(world.event("CalculateExpectedPodCountFailed"), "");
    const std::string message =
        "Pods selected by this PodDisruptionBudget (selector: &LabelSelector{MatchLabels:map[string]string{app: "
        "web,},MatchExpressions:[]LabelSelectorRequirement{},}) were found to be unmanaged. As a "
        "result, the status of the PDB cannot be calculated correctly, which may result in undefined behavior. To account for these pods please set "
        "\".spec.minAvailable\" field of the PDB to an "
        "integer value.";
    EXPECT_EQ(world.event("UnmanagedPods"), warned ? message : "");
  });
}

TEST(DisruptionController, LeavesPodsOfNoWorkloadOutOfTheCount) {
  check_mixed(3, 0, false, 3, 3, 1);
  check_mixed(3, 1, true, 3, 4, 2);
  check_mixed(0, 2, true, 0, 2, 0);
}

TEST(DisruptionController, TakesAStaleConditionBack) {
  testing::in_world([](World& world) -> rt::Task<void> {
    Pod pod;
    pod.metadata.name = pod.metadata.uid = "a";
    pod.metadata.namespace_ = "default";
    auto& condition = pod.status.conditions.emplace_back();
    condition.type = "DisruptionTarget";
    condition.status = "True";
    condition.reason = "EvictionByEvictionAPI";
    condition.last_transition_time = apimachinery::to_api_time(rt::Executor::current().runtime().clock().wall_now());
    world.server.put(pod);
    co_await world.start(make_disruption_controller);
    co_await testing::pass(std::chrono::seconds(119));
    EXPECT_TRUE(world.server.written("PATCH", "/pods/a/status").empty());
    co_await testing::pass(std::chrono::seconds(2));
    const auto written = world.server.written("PATCH", "/pods/a/status");
    EXPECT_EQ(written.size(), 1u);
    if (written.empty()) co_return;
    EXPECT_NE(written[0].body.view().find(R"("type":"DisruptionTarget","status":"False")"), std::string_view::npos) << written[0].body.view();
  });
}

// It is told, nothing is allowed, and then it waits for a change.
TEST(DisruptionController, PodsWhoseOwnerVanished) {
  testing::in_world([](World& world) -> rt::Task<void> {
    ReplicaSet gone;
    gone.metadata.name = gone.metadata.uid = "gone";
    gone.metadata.namespace_ = "default";
    for (int i = 0; i < 3; ++i) add_pod(world, "p" + std::to_string(i), &gone);
    world.server.put(budget(1));
    world.server.on_write = [&world](const client::testing::FakeServer::Write& write) {
      if (write.method == "PUT") world.server.put(write.as<PodDisruptionBudget>());
      return 200;
    };
    co_await world.start(make_disruption_controller);
    co_await testing::pass(std::chrono::minutes(10));
    EXPECT_EQ(world.event("CalculateExpectedPodCountFailed"),
              "Failed to calculate the number of expected pods: found no controllers for pod's owner \"gone\"");
    const auto written = world.server.written("PUT", "/poddisruptionbudgets/b/status");
    EXPECT_EQ(written.size(), 1u);
    if (written.empty()) co_return;
    const auto status = written[0].as<PodDisruptionBudget>().status;
    EXPECT_EQ(status.disruptions_allowed, 0);
    EXPECT_EQ(status.conditions.at(0).reason, "SyncFailed");
  });
}

}  // namespace
}  // namespace pintle::controller::disruption

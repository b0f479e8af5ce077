#include "kubelet/runtime/resize.h"

#include <gtest/gtest.h>

#include "kubelet/testing.h"

namespace pintle::kubelet::runtime {
namespace {

using namespace testing;

api::core_v1::Pod pod_with(const std::string& resources, const std::string& policy = "[]") {
  return pod_of("{spec: {containers: [{name: a, image: x, resizePolicy: " + policy + ", resources: " + resources + "}]}}");
}

void check_resize(const std::string& before, const std::string& after, const std::string& want, const std::string& policy = "[]") {
  const Applied applied{{{"a0", pod_with(before).spec.containers[0].resources}}, std::nullopt};
  std::string seen;
  for (const auto& one : plan_resize(pod_with(after, policy), state_of({running("a")}), applied, false)) seen += one.id + (one.restart ? "!" : "");
  EXPECT_EQ(seen, want) << before << " -> " << after;
}

TEST(Resize, WhatDiffers) {
  check_resize("{limits: {cpu: 1}}", "{limits: {cpu: 1000m}}", "");
  check_resize("{limits: {cpu: 1}}", "{limits: {cpu: 2}}", "a0");
  check_resize("{}", "{requests: {memory: 1Mi}}", "a0");
  check_resize("{limits: {ephemeral-storage: 1Gi}}", "{limits: {ephemeral-storage: 2Gi}}", "");
  const std::string restart_memory = "[{resourceName: memory, restartPolicy: RestartContainer}]";
  check_resize("{limits: {cpu: 1}}", "{limits: {cpu: 2}}", "a0", restart_memory);
  check_resize("{limits: {memory: 1Mi}}", "{limits: {memory: 2Mi}}", "a0!", restart_memory);
}

TEST(Resize, OnlyWhatRunsAndIsKnown) {
  const auto pod = pod_with("{limits: {cpu: 2}}");
  EXPECT_TRUE(plan_resize(pod, state_of({exited("a", 0)}), {{{"a0", {}}}, std::nullopt}, false).empty());
  EXPECT_TRUE(plan_resize(pod, state_of({running("a")}), {}, false).empty());
}

TEST(Resize, RoomForBoth) {
  const Applied applied{{{"a0", pod_with("{limits: {cpu: 3}, requests: {cpu: 1, memory: 5Mi}}").spec.containers[0].resources}}, std::nullopt};
  const auto both = with_room_for_both(pod_with("{limits: {cpu: 2, memory: 9Mi}, requests: {cpu: 2}}"), state_of({running("a")}), applied)
                        .spec.containers[0]
                        .resources;
  EXPECT_EQ(both.limits.find("cpu")->second.text(), "3");
  EXPECT_FALSE(both.limits.contains("memory"));  // it had no limit
  EXPECT_EQ(both.requests.find("cpu")->second.text(), "2");
  EXPECT_EQ(both.requests.find("memory")->second.text(), "5Mi");
}

api::core_v1::Pod whole(const std::string& pod_level, const std::string& container = "{}") {
  return pod_of("{spec: {resources: " + pod_level + ", containers: [{name: a, image: x, resources: " + container +
                "}, {name: b, image: x, resources: {limits: {cpu: 1, memory: 1Mi}}}]}}");
}
// From one state of the pod to another: who changes, with "pod " if the pod as a whole does.
void check_whole(const api::core_v1::Pod& before, const api::core_v1::Pod& after, const std::string& want) {
  Applied applied;
  for (const auto& container : before.spec.containers) applied.containers[container.name + "0"] = container.resources;
  applied.pod = *before.spec.resources;
  std::string seen = pod_level_differs(after.spec, applied) ? "pod " : "";
  for (const auto& one : plan_resize(after, state_of({running("a"), running("b")}), applied, false)) seen += one.id;
  EXPECT_EQ(seen, want);
}
TEST(Resize, PodsAsAWhole) {
  check_whole(whole("{limits: {cpu: 1}}"), whole("{limits: {cpu: 1000m}}"), "");
  check_whole(whole("{limits: {cpu: 1}}"), whole("{limits: {cpu: 2}}"), "pod a0");  // b has a limit of its own
  check_whole(whole("{limits: {cpu: 1}}", "{limits: {cpu: 1}}"), whole("{limits: {cpu: 2}}", "{limits: {cpu: 1}}"), "pod ");
  check_whole(whole("{requests: {memory: 1Mi}}"), whole("{requests: {memory: 2Mi}}"), "pod ");
  Applied applied;
  applied.pod = *whole("{limits: {cpu: 3, memory: 1Mi}}").spec.resources;
  const auto both = with_room_for_both(whole("{limits: {cpu: 2, memory: 9Mi}}"), state_of({}), applied).spec.resources;
  EXPECT_EQ(both->limits.find("cpu")->second.text(), "3");
  EXPECT_EQ(both->limits.find("memory")->second.text(), "9Mi");
  auto after = whole("{limits: {cpu: 100}}");
  EXPECT_TRUE(resources_differ(whole("{limits: {cpu: 1}}").spec, after.spec));
  keep_resources(whole("{limits: {cpu: 1}}").spec, after.spec);
  EXPECT_EQ(after.spec.resources->limits.find("cpu")->second.text(), "1");
  // An adopted pod has what its status says, of what its spec states.
  auto adopted = whole("{limits: {cpu: 2}}");
  adopted.status.resources.ensure().limits["cpu"] = *api::Quantity::parse("1");
  adopted.status.resources->limits["memory"] = *api::Quantity::parse("1Gi");
  const auto said = said_pod_level(adopted, adopted.status);
  EXPECT_EQ(said.limits.find("cpu")->second.text(), "1");
  EXPECT_FALSE(said.limits.contains("memory"));
}

TEST(Resize, InitContainersThatRun) {
  const auto pod = pod_of(
      "{spec: {initContainers: [{name: i, image: x, resources: {limits: {cpu: 2}}}, {name: s, image: x, restartPolicy: Always, "
      "resources: {limits: {cpu: 2}}}], containers: [{name: a, image: x}]}}");
  const Applied applied{{{"i0", {}}, {"s0", {}}}, std::nullopt};
  const auto state = state_of({running("i"), running("s")});
  EXPECT_EQ(plan_resize(pod, state, applied, false).size(), 1u);
  EXPECT_EQ(plan_resize(pod, state, applied, true).size(), 2u);
  EXPECT_EQ(plan_resize(pod, state_of({exited("i", 0), running("s")}), applied, true).size(), 1u) << "it has done its part";
}

TEST(Resize, KeepsTheOldResources) {
  const auto before = pod_with("{limits: {cpu: 1}}");
  auto after = pod_with("{limits: {cpu: 100}}");
  EXPECT_TRUE(resources_differ(before.spec, after.spec));
  keep_resources(before.spec, after.spec);
  EXPECT_FALSE(resources_differ(before.spec, after.spec));
}

}  // namespace
}  // namespace pintle::kubelet::runtime

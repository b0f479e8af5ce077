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
  const AppliedResources applied{{"a0", pod_with(before).spec.containers[0].resources}};
  std::string seen;
  for (const auto& one : plan_resize(pod_with(after, policy), state_of({running("a")}), applied)) seen += one.id + (one.restart ? "!" : "");
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
  EXPECT_TRUE(plan_resize(pod, state_of({exited("a", 0)}), {{"a0", {}}}).empty());
  EXPECT_TRUE(plan_resize(pod, state_of({running("a")}), {}).empty());
}

TEST(Resize, RoomForBoth) {
  const AppliedResources applied{{"a0", pod_with("{limits: {cpu: 3}, requests: {cpu: 1, memory: 5Mi}}").spec.containers[0].resources}};
  const auto both = with_room_for_both(pod_with("{limits: {cpu: 2, memory: 9Mi}, requests: {cpu: 2}}"), state_of({running("a")}), applied)
                        .spec.containers[0]
                        .resources;
  EXPECT_EQ(both.limits.find("cpu")->second.text(), "3");
  EXPECT_FALSE(both.limits.contains("memory"));  // it had no limit
  EXPECT_EQ(both.requests.find("cpu")->second.text(), "2");
  EXPECT_EQ(both.requests.find("memory")->second.text(), "5Mi");
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

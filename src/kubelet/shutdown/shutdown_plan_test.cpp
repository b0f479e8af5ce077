#include "kubelet/shutdown/shutdown_plan.h"

#include <gtest/gtest.h>

namespace pintle::kubelet::shutdown {
namespace {

PodPtr pod(int32_t priority, int64_t grace) {
  auto out = std::make_shared<api::core_v1::Pod>();
  out->metadata.name = std::to_string(priority);
  out->spec.priority = priority;
  out->spec.termination_grace_period_seconds = grace;
  return out;
}
std::string show(const std::vector<ShutdownGroup>& groups) {
  std::string out;
  for (const auto& group : groups) {
    out += "[" + std::to_string(group.priority) + ":" + std::to_string(group.grace_seconds);
    for (const auto& p : group.pods) out += " " + p->metadata.name;
    out += "]";
  }
  return out;
}

TEST(Shutdown, GroupsByPriority) {
  api::kubeletconfig_v1beta1::KubeletConfiguration config;
  EXPECT_TRUE(shutdown_groups(config).empty());
  config.shutdown_grace_period.nanos = 30'000'000'000;
  config.shutdown_grace_period_critical_pods.nanos = 10'000'000'000;
  auto groups = shutdown_groups(config);
  assign_pods(groups, {pod(-5, 30), pod(0, 30), pod(2'000'000'000, 30), pod(2'000'001'000, 5)});
  EXPECT_EQ(show(groups), "[0:20 -5 0][2000000000:10 2000000000 2000001000]");
  EXPECT_EQ(shutdown_grace(groups[1], *groups[1].pods[0]), 10);
  EXPECT_EQ(shutdown_grace(groups[1], *groups[1].pods[1]), 5);
  for (const auto& [priority, seconds] : {std::pair(100, 7), std::pair(0, 3), std::pair(1000, 1)}) {
    auto& group = config.shutdown_grace_period_by_pod_priority.emplace_back();
    group.priority = priority;
    group.shutdown_grace_period_seconds = seconds;
  }
  groups = shutdown_groups(config);
  assign_pods(groups, {pod(99, 30), pod(100, 30), pod(5000, 30)});
  EXPECT_EQ(show(groups), "[0:3 99][100:7 100][1000:1 5000]");
}

}  // namespace
}  // namespace pintle::kubelet::shutdown

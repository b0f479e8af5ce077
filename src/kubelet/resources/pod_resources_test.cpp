#include "kubelet/resources/pod_resources.h"

#include <gtest/gtest.h>

namespace pintle::kubelet::resources {
namespace {

namespace core = api::core_v1;

api::Quantity q(std::string_view text) { return api::Quantity::parse(text).value(); }

rules::ResourceList list(std::string_view cpu, std::string_view memory) {
  rules::ResourceList out;
  if (!cpu.empty()) out["cpu"] = q(cpu);
  if (!memory.empty()) out["memory"] = q(memory);
  return out;
}

core::Container container(rules::ResourceList requests, rules::ResourceList limits) {
  core::Container out;
  out.name = "c";
  out.resources.requests = std::move(requests);
  out.resources.limits = std::move(limits);
  return out;
}

core::Container sidecar(rules::ResourceList requests) {
  core::Container out = container(std::move(requests), {});
  out.name = "sidecar";
  out.restart_policy = "Always";
  return out;
}

TEST(PodResources, KernelNumbers) {
  EXPECT_EQ(cpu_shares(0), 2);
  EXPECT_EQ(cpu_shares(1), 2);
  EXPECT_EQ(cpu_shares(100), 102);
  EXPECT_EQ(cpu_shares(1000), 1024);
  EXPECT_EQ(cpu_shares(INT64_MAX), 262144);
  EXPECT_EQ(cpu_quota_us(0, 100'000), 0);
  EXPECT_EQ(cpu_quota_us(1, 100'000), 1000);
  EXPECT_EQ(cpu_quota_us(250, 100'000), 25'000);
  EXPECT_EQ(cpu_quota_us(2000, 10'000), 20'000);
}

void check_oom(std::vector<core::Container> containers, std::vector<core::Container> init, std::size_t which_init, int64_t expected) {
  core::Pod pod;
  pod.spec.containers = std::move(containers);
  pod.spec.init_containers = std::move(init);
  const core::Container& subject = pod.spec.init_containers.empty() ? pod.spec.containers[0] : pod.spec.init_containers[which_init];
  EXPECT_EQ(oom_score_adj(pod, subject, int64_t{8} << 30), expected);
}

TEST(PodResources, OomScore) {
  check_oom({container({}, {})}, {}, 0, 1000);
  check_oom({container(list("1", "1Gi"), list("1", "1Gi"))}, {}, 0, -997);
  check_oom({container(list("1", "2Gi"), {})}, {}, 0, 750);
  check_oom({container(list("1", ""), {})}, {}, 0, 999);
  check_oom({container(list("1", "8Gi"), {})}, {}, 0, 3);
  check_oom({container(list("1", "2Gi"), {})}, {sidecar(list("1", "1Gi"))}, 0, 750);
  check_oom({container(list("1", "2Gi"), {})}, {container(list("1", "1Gi"), {})}, 0, 875);
  core::Pod critical;
  critical.spec.containers = {container({}, {})};
  critical.spec.priority = 2'000'001'000;
  critical.spec.priority_class_name = "system-node-critical";
  EXPECT_EQ(oom_score_adj(critical, critical.spec.containers[0], 1 << 30), -997);
}

TEST(PodResources, Hugepages) {
  EXPECT_EQ(hugepage_size_name(2 << 20), "2MB");
  EXPECT_EQ(hugepage_size_name(1 << 30), "1GB");
  EXPECT_EQ(hugepage_size_name(64 << 10), "64KB");
  EXPECT_EQ(hugepage_size_of("hugepages-2Mi"), 2u << 20);
  EXPECT_EQ(hugepage_size_of("hugepages-x"), 0u);
  EXPECT_EQ(hugepage_size_of("memory"), 0u);
}

}  // namespace
}  // namespace pintle::kubelet::resources

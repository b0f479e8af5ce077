#include "scheduler/framework/resource.h"

#include <gtest/gtest.h>

namespace pintle::scheduler {
namespace {

using api::core_v1::Container;
using api::core_v1::Pod;

Container container(const std::string& cpu, const std::string& memory = "", bool sidecar = false) {
  Container out;
  if (!cpu.empty()) out.resources.requests["cpu"] = *api::Quantity::parse(cpu);
  if (!memory.empty()) out.resources.requests["memory"] = *api::Quantity::parse(memory);
  if (sidecar) out.restart_policy = "Always";
  return out;
}

void check_cpu(std::vector<Container> init, std::vector<Container> containers, int64_t expected_milli) {
  Pod pod;
  pod.spec.init_containers = std::move(init);
  pod.spec.containers = std::move(containers);
  EXPECT_EQ(pod_requests(pod, false).milli_cpu, expected_milli);
}

TEST(PodRequests, ContainersAddUpAndInitContainersPeak) {
  check_cpu({}, {container("100m"), container("200m")}, 300);
  check_cpu({container("1")}, {container("100m")}, 1000);
  check_cpu({container("50m"), container("80m")}, {container("100m")}, 100);
  check_cpu({container("200m", "", true)}, {container("100m")}, 300);
  // A plain init container runs beside the sidecars that came before it, not those that come after.
  check_cpu({container("200m", "", true), container("1"), container("300m", "", true)}, {container("100m")}, 1200);
}

TEST(PodRequests, OverheadPodLevelAndDefaults) {
  Pod pod;
  pod.spec.containers = {container("", "1Mi"), container("100m")};
  EXPECT_EQ(pod_requests(pod, false).milli_cpu, 100);
  EXPECT_EQ(pod_requests(pod, true).milli_cpu, 200);
  EXPECT_EQ(pod_requests(pod, true).memory, (1 << 20) + default_memory_request_bytes);
  pod.spec.overhead["cpu"] = *api::Quantity::parse("10m");
  EXPECT_EQ(pod_requests(pod, false).milli_cpu, 110);
  pod.spec.resources.emplace().requests["cpu"] = *api::Quantity::parse("2");
  EXPECT_EQ(pod_requests(pod, false).milli_cpu, 2010);
}

TEST(PodRequests, AResizeCountsAsItsLargest) {
  Pod pod;
  pod.spec.containers = {container("1")};
  pod.spec.containers[0].name = "c";
  auto& status = pod.status.container_statuses.emplace_back();
  status.name = "c";
  status.resources.emplace().requests["cpu"] = *api::Quantity::parse("2");
  EXPECT_EQ(pod_requests(pod, false).milli_cpu, 2000);
  auto& pending = pod.status.conditions.emplace_back();
  pending.type = "PodResizePending";
  pending.reason = "Infeasible";
  pod.spec.containers[0].resources.requests["cpu"] = *api::Quantity::parse("8");
  EXPECT_EQ(pod_requests(pod, false).milli_cpu, 2000);
}

TEST(Resource, KnowsScalars) {
  for (const char* name : {"nvidia.com/gpu", "hugepages-2Mi", "kubernetes.io/batch-cpu", "attachable-volumes-aws-ebs"})
    EXPECT_TRUE(is_scalar_resource(name)) << name;
  for (const char* name : {"cpu", "storage", "requests.nvidia.com/gpu"}) EXPECT_FALSE(is_scalar_resource(name)) << name;
}

}  // namespace
}  // namespace pintle::scheduler

#include "scheduler/framework/resource.h"

#include <gtest/gtest.h>

namespace pintle::scheduler {
namespace {

using api::core_v1::Container;
using api::core_v1::Pod;

Container container(const std::string& cpu, const std::string& memory = "") {
  Container out;
  if (!cpu.empty()) out.resources.requests["cpu"] = *api::Quantity::parse(cpu);
  if (!memory.empty()) out.resources.requests["memory"] = *api::Quantity::parse(memory);
  return out;
}

// In thousandths of a cpu and bytes, as scores count them.
void check_scored(const Pod& pod, int64_t milli_cpu, int64_t memory) {
  const RequestedResource requested = requested_by(pod);
  EXPECT_EQ(requested.non_zero_milli_cpu, milli_cpu);
  EXPECT_EQ(requested.non_zero_memory, memory);
}

TEST(RequestedResource, NamesOfItsOwnAndScalars) {
  Pod pod;
  pod.spec.containers = {container("100m", "1Mi"), container("200m")};
  auto& requests = pod.spec.containers[0].resources.requests;
  requests["vendor.com/gpu"] = *api::Quantity::parse("2");
  requests["hugepages-2Mi"] = *api::Quantity::parse("4Mi");
  requests["storage"] = *api::Quantity::parse("1Gi");
  const Resource out = requested_by(pod).requests;
  EXPECT_EQ(out.milli_cpu, 300);
  EXPECT_EQ(out.memory, 1 << 20);
  EXPECT_EQ(out.allowed_pods, 0);
  EXPECT_EQ(out.scalars, (FlatMap<int64_t>{{"hugepages-2Mi", 4 << 20}, {"vendor.com/gpu", 2}}));  // what is neither is left out
}

TEST(RequestedResource, ScoresFillInWhatIsNotStated) {
  Pod pod;
  pod.spec.containers = {container("", "1Mi"), container("100m")};
  EXPECT_EQ(requested_by(pod).requests.milli_cpu, 100);
  check_scored(pod, 200, (1 << 20) + default_memory_request_bytes);
  pod.spec.containers[0].resources.requests["cpu"] = *api::Quantity::parse("0");  // stated, if only as nothing
  check_scored(pod, 100, (1 << 20) + default_memory_request_bytes);
  // Where the pod states its own, only what nobody states is filled in.
  pod.spec.resources.emplace().requests["cpu"] = *api::Quantity::parse("2");
  check_scored(pod, 2000, 1 << 20);
  pod.spec.containers[0].resources.requests.erase("memory");
  check_scored(pod, 2000, 2 * default_memory_request_bytes);
}

TEST(RequestedResource, AResizeCountsAsItsLargest) {
  Pod pod;
  pod.spec.containers = {container("1")};
  pod.spec.containers[0].name = "c";
  auto& status = pod.status.container_statuses.emplace_back();
  status.name = "c";
  status.resources.emplace().requests["cpu"] = *api::Quantity::parse("2");
  EXPECT_EQ(requested_by(pod).requests.milli_cpu, 2000);
}

TEST(Resource, KnowsScalars) {
  for (const char* name : {"nvidia.com/gpu", "hugepages-2Mi", "kubernetes.io/batch-cpu", "attachable-volumes-aws-ebs"})
    EXPECT_TRUE(is_scalar_resource(name)) << name;
  for (const char* name : {"cpu", "storage", "requests.nvidia.com/gpu"}) EXPECT_FALSE(is_scalar_resource(name)) << name;
}

}  // namespace
}  // namespace pintle::scheduler

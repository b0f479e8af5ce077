#include "kubelet/status/pod_level_resources.h"

#include <gtest/gtest.h>

#include "kubelet/cgroups/pod_cgroups.h"
#include "kubelet/testing.h"

namespace pintle::kubelet::status {
namespace {

using namespace api::core_v1;

std::string text_of(const ResourceRequirements& resources) {
  std::string out;
  for (const auto& [name, amount] : resources.requests) out += name + "=" + amount.text() + " ";
  out += "/";
  for (const auto& [name, amount] : resources.limits) out += " " + name + "=" + amount.text();
  return out;
}

void check_resources(const std::string& spec, const std::string& pending, const std::string& running) {
  const Pod pod = testing::pod_of("{spec: {" + spec + "}}");
  const os::CgroupLimits cgroup = cgroups::pod_cgroup_limits(pod, cgroups::PodCgroupOptions());
  EXPECT_EQ(text_of(pod_level_resources(pod, "Pending", &cgroup)), pending) << spec;
  EXPECT_EQ(text_of(pod_level_resources(pod, "Running", &cgroup)), running) << spec;
}

TEST(PodLevelResources, OfTheSpecAndOfTheCgroup) {
  check_resources("containers: [{name: a, image: x}]", "/", "/");
  check_resources("containers: [{name: a, image: x, resources: {requests: {cpu: 100m, memory: 64Mi}}}]", "cpu=100m memory=64Mi /",
                  "cpu=100m memory=64Mi /");
  // 1001 thousandths are 1025 shares, and those 1001 again; the kernel's least quota is a hundredth of a core.
  check_resources("containers: [{name: a, image: x, resources: {requests: {cpu: 1001m, memory: 1Mi}, limits: {cpu: 1001m, memory: 1Mi}}}]",
                  "cpu=1001m memory=1Mi / cpu=1001m memory=1Mi", "cpu=1001m memory=1Mi / cpu=1001m memory=1Mi");
  check_resources("containers: [{name: a, image: x, resources: {requests: {cpu: 1m, memory: 1Mi}, limits: {cpu: 1m, memory: 1Mi}}}]",
                  "cpu=1m memory=1Mi / cpu=1m memory=1Mi", "memory=1Mi / memory=1Mi");
  check_resources("resources: {requests: {cpu: 1m}, limits: {cpu: 5m, memory: 2Mi}}, containers: [{name: a, image: x}]", "cpu=1m / cpu=5m memory=2Mi",
                  "cpu=1m / cpu=5m memory=2Mi");
}

TEST(PodLevelResources, WithoutACgroupTheSpecStands) {
  const Pod pod = testing::pod_of("{spec: {containers: [{name: a, image: x, resources: {requests: {cpu: 100m, memory: 64Mi}, limits: {cpu: 1}}}]}}");
  EXPECT_EQ(text_of(pod_level_resources(pod, "Running", nullptr)), "memory=64Mi /");
}

}  // namespace
}  // namespace pintle::kubelet::status

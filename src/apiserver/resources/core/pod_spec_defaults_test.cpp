// Requests that a pod does not state.
#include <gtest/gtest.h>

#include "apiserver/resources/core/pod_spec.h"
#include "rules/pod_resources.h"
#include "rules/testing/resource_list.h"

namespace pintle::apiserver::resources {
namespace {

namespace core = api::core_v1;
using rules::ResourceList;
using rules::testing::resource_list;

std::string text(const ResourceList& list) {
  std::string out;
  for (const auto& [name, quantity] : list) out += (out.empty() ? "" : ",") + name + "=" + quantity.text();
  return out;
}
core::ResourceRequirements resources(std::string_view requests, std::string_view limits) {
  core::ResourceRequirements out;
  out.requests = resource_list(requests);
  out.limits = resource_list(limits);
  return out;
}
core::PodSpec pod(core::ResourceRequirements of_container) {
  core::PodSpec out;
  out.containers.emplace_back().resources = std::move(of_container);
  return out;
}

// "requests/limits" of the pod itself.
void check_pod_level(core::PodSpec spec, core::ResourceRequirements own, std::string_view expected) {
  spec.resources = std::move(own);
  default_pod_requests(spec);
  EXPECT_EQ(text(spec.resources->requests) + "/" + text(spec.resources->limits), expected);
}

TEST(PodDefaults, ContainersRequestTheirLimits) {
  core::PodSpec spec = pod(resources("cpu=1", "cpu=2,memory=1Gi"));
  default_pod_requests(spec);
  EXPECT_EQ(text(spec.containers[0].resources.requests), "cpu=1,memory=1Gi");
  EXPECT_FALSE(spec.resources);
}

TEST(PodDefaults, ThePodRequestsWhatItsContainersDoElseItsLimits) {
  const core::ResourceRequirements limits = resources("", "cpu=4,memory=4Gi");
  check_pod_level(pod({}), limits, "cpu=4,memory=4Gi/cpu=4,memory=4Gi");
  check_pod_level(pod(resources("cpu=1", "")), limits, "cpu=1,memory=4Gi/cpu=4,memory=4Gi");
  check_pod_level(pod(resources("", "cpu=1")), limits, "cpu=1,memory=4Gi/cpu=4,memory=4Gi");
  check_pod_level(pod(resources("cpu=1", "")), resources("cpu=2", "cpu=4,memory=4Gi"), "cpu=2,memory=4Gi/cpu=4,memory=4Gi");
  check_pod_level(pod(resources("cpu=1,memory=1Gi", "")), resources("", "cpu=4"), "cpu=1,memory=1Gi/cpu=4");
  check_pod_level(pod(resources("cpu=1,ephemeral-storage=1Gi", "")), limits, "cpu=1,memory=4Gi/cpu=4,memory=4Gi");
  // Without limits of its own nothing is filled in; stating nothing at all, neither.
  check_pod_level(pod(resources("cpu=1,memory=1Gi", "")), resources("cpu=2", ""), "cpu=2/");
  check_pod_level(pod(resources("cpu=1,memory=1Gi", "cpu=1")), resources("", ""), "/");
}

TEST(PodDefaults, HugePagesOfContainersLimitThePod) {
  const core::PodSpec spec = pod(resources("", "hugepages-2Mi=4Mi"));
  check_pod_level(spec, resources("", "cpu=4"), "cpu=4,hugepages-2Mi=4Mi/cpu=4,hugepages-2Mi=4Mi");
  check_pod_level(spec, resources("cpu=4", ""), "cpu=4,hugepages-2Mi=4Mi/hugepages-2Mi=4Mi");
  check_pod_level(spec, resources("hugepages-2Mi=8Mi", ""), "hugepages-2Mi=8Mi/");
  check_pod_level(spec, resources("", "hugepages-2Mi=8Mi"), "hugepages-2Mi=8Mi/hugepages-2Mi=8Mi");
}

}  // namespace
}  // namespace pintle::apiserver::resources

#include "rules/pod_resources.h"

#include <gtest/gtest.h>

#include "rules/testing/resource_list.h"

namespace pintle::rules {
namespace {

namespace core = api::core_v1;
using rules::testing::resource_list;

template <class Amount>
std::string text(const FlatMap<Amount>& amounts) {
  std::string out;
  for (const auto& [name, amount] : amounts) {
    out += (out.empty() ? "" : ",") + name + "=";
    if constexpr (std::is_same_v<Amount, api::Quantity>) {
      out += amount.text();
    } else {
      out += std::to_string(amount);
    }
  }
  return out;
}

core::Container container(std::string_view requests, std::string_view limits = "") {
  core::Container out;
  out.resources.requests = resource_list(requests);
  out.resources.limits = resource_list(limits);
  return out;
}
core::Container sidecar(std::string_view requests, std::string_view limits = "") {
  core::Container out = container(requests, limits);
  out.restart_policy = "Always";
  return out;
}
core::PodSpec pod(std::vector<core::Container> init_containers, std::vector<core::Container> containers) {
  core::PodSpec out;
  out.init_containers = std::move(init_containers);
  out.containers = std::move(containers);
  return out;
}

void check_requests(const core::PodSpec& spec, std::string_view expected, const PodResourceOptions& options = {}) {
  EXPECT_EQ(text(pod_requests(spec, options)), expected);
}

TEST(PodResources, ContainersAddUpAndInitContainersPeak) {
  check_requests(pod({}, {}), "");
  check_requests(pod({}, {container("cpu=100m"), container("cpu=200m,memory=1Gi")}), "cpu=300m,memory=1Gi");
  check_requests(pod({container("cpu=1")}, {container("cpu=100m")}), "cpu=1");
  check_requests(pod({container("cpu=50m"), container("cpu=80m")}, {container("cpu=100m")}), "cpu=100m");
  check_requests(pod({container("vendor.com/gpu=1")}, {container("cpu=1")}), "cpu=1,vendor.com/gpu=1");
  check_requests(pod({}, {container("cpu=0")}), "cpu=0");  // stated, if only as nothing
  check_requests(pod({container("cpu=0")}, {container("")}), "cpu=0");
}

TEST(PodResources, SidecarsRunOnBesideWhatComesAfterThem) {
  check_requests(pod({sidecar("cpu=200m")}, {container("cpu=100m")}), "cpu=300m");
  check_requests(pod({sidecar("cpu=200m"), container("cpu=1"), sidecar("cpu=300m")}, {container("cpu=100m")}), "cpu=1200m");
  check_requests(pod({container("cpu=1"), sidecar("cpu=200m")}, {container("cpu=100m")}), "cpu=1");
  // An init container that asks for no cpu runs beside the sidecars all the same.
  check_requests(pod({sidecar("cpu=2"), container("memory=1Gi")}, {container("memory=1Mi")}), "cpu=2,memory=1Gi");
  check_requests(pod({sidecar("memory=1Gi"), container("cpu=2,memory=512Mi")}, {container("cpu=1,memory=1Gi")}), "cpu=2,memory=2Gi");
}

TEST(PodResources, PodLevelAndOverhead) {
  core::PodSpec spec = pod({}, {container("cpu=1,memory=1Gi,ephemeral-storage=1Gi", "cpu=2")});
  spec.overhead = resource_list("cpu=100m,memory=10Mi");
  check_requests(spec, "cpu=1100m,ephemeral-storage=1Gi,memory=1034Mi");
  check_requests(spec, "cpu=1,ephemeral-storage=1Gi,memory=1Gi", {.overhead = false});
  EXPECT_EQ(text(pod_limits(spec)), "cpu=2100m");  // overhead makes no limit
  EXPECT_FALSE(has_pod_level_requests(spec));
  spec.resources.ensure().limits = resource_list("cpu=4,memory=4Gi");
  EXPECT_FALSE(has_pod_level_requests(spec));
  check_requests(spec, "cpu=1100m,ephemeral-storage=1Gi,memory=1034Mi");
  EXPECT_EQ(text(pod_limits(spec)), "cpu=4100m,memory=4106Mi");
  spec.resources->requests = resource_list("cpu=3,hugepages-2Mi=2Mi,ephemeral-storage=9Gi");  // storage is not the pod's to state
  EXPECT_TRUE(has_pod_level_requests(spec));
  check_requests(spec, "cpu=3100m,ephemeral-storage=1Gi,hugepages-2Mi=2Mi,memory=1034Mi");
  check_requests(spec, "cpu=1,ephemeral-storage=1Gi,memory=1Gi", {.overhead = false, .pod_level = false});
}

TEST(PodResources, AResizeCountsAsItsLargest) {
  core::PodSpec spec = pod({}, {container("cpu=1,memory=1Gi", "cpu=1")});
  spec.containers[0].name = "c";
  core::PodStatus status;
  auto& its = status.container_statuses.emplace_back();
  its.name = "c";
  its.allocated_resources = resource_list("cpu=5");
  check_requests(spec, "cpu=1,memory=1Gi", {.status = &status});  // nothing is known of what it has
  its.resources.ensure().requests = resource_list("cpu=2,memory=512Mi");
  its.resources->limits = resource_list("cpu=3");
  check_requests(spec, "cpu=1,memory=1Gi");
  check_requests(spec, "cpu=5,memory=1Gi", {.status = &status});
  EXPECT_EQ(text(pod_limits(spec, {.status = &status})), "cpu=3");
  its.allocated_resources = resource_list("cpu=1");
  check_requests(spec, "cpu=2,memory=1Gi", {.status = &status});
  auto& pending = status.conditions.emplace_back();
  pending.type = "PodResizePending";
  pending.reason = "Deferred";
  check_requests(spec, "cpu=2,memory=1Gi", {.status = &status});
  pending.reason = "Infeasible";
  spec.containers[0].resources.requests = resource_list("cpu=8,memory=8Gi");
  spec.containers[0].resources.limits = resource_list("cpu=8");
  check_requests(spec, "cpu=2,memory=512Mi", {.status = &status});
  EXPECT_EQ(text(pod_limits(spec, {.status = &status})), "cpu=3");
}

TEST(PodResources, AResizeOfSidecarsAndOfThePodItself) {
  core::PodSpec spec = pod({sidecar("cpu=1"), container("cpu=1")}, {});
  spec.init_containers[0].name = "sidecar";
  spec.init_containers[1].name = "plain";
  core::PodStatus status;
  for (const char* name : {"sidecar", "plain"}) {
    auto& its = status.init_container_statuses.emplace_back();
    its.name = name;
    its.resources.ensure().requests = resource_list("cpu=3");
  }
  check_requests(spec, "cpu=4", {.status = &status});  // a plain one is never resized
  spec.resources.ensure().requests = resource_list("cpu=5");
  status.resources.ensure().requests = resource_list("cpu=6");
  check_requests(spec, "cpu=5", {.status = &status});
  check_requests(spec, "cpu=6", {.status = &status, .pod_level_status = true});
  status.allocated_resources = resource_list("cpu=7");
  check_requests(spec, "cpu=7", {.status = &status, .pod_level_status = true});
}

TEST(PodResources, WhatIsNotStatedCounts) {
  const ResourceList missing = resource_list("cpu=100m,memory=200Mi");
  check_requests(pod({}, {container("cpu=1"), container("memory=0")}), "cpu=1100m,memory=200Mi", {.if_missing = &missing});
  check_requests(pod({container("")}, {}), "cpu=100m,memory=200Mi", {.if_missing = &missing});
}

TEST(PodResources, WholeAmounts) {
  core::PodSpec spec = pod({}, {container("cpu=1500m,memory=1Gi"), container("cpu=1,memory=1")});
  EXPECT_EQ(text(pod_request_amounts(spec)), "cpu=2500,memory=1073741825");
  spec = pod({container("memory=100m")}, {});
  EXPECT_EQ(text(pod_request_amounts(spec)), "memory=1");  // rounded up
  spec = pod({}, {container("memory=7Ei"), container("memory=7Ei")});
  EXPECT_EQ(text(pod_request_amounts(spec)), "memory=" + std::to_string(INT64_MAX));
}

void check_qos(const core::PodSpec& spec, std::string_view expected) { EXPECT_EQ(qos_class_of_spec(spec), expected); }

TEST(QosClass, ByContainers) {
  check_qos(pod({}, {}), "BestEffort");
  check_qos(pod({}, {container("")}), "BestEffort");
  check_qos(pod({}, {container("cpu=0,memory=0")}), "BestEffort");
  check_qos(pod({}, {container("ephemeral-storage=1Gi", "ephemeral-storage=1Gi")}), "BestEffort");
  check_qos(pod({}, {container("cpu=1,memory=1Gi", "cpu=1,memory=1Gi")}), "Guaranteed");
  check_qos(pod({}, {container("cpu=1000m,memory=1Gi", "cpu=1,memory=1024Mi")}), "Guaranteed");
  check_qos(pod({container("cpu=1,memory=1Gi", "cpu=1,memory=1Gi")}, {container("cpu=2,memory=1Gi", "cpu=2,memory=1Gi")}), "Guaranteed");
  check_qos(pod({container("")}, {container("cpu=1,memory=1Gi", "cpu=1,memory=1Gi")}), "Burstable");
  check_qos(pod({}, {container("cpu=1,memory=1Gi", "cpu=2,memory=1Gi")}), "Burstable");
  check_qos(pod({}, {container("cpu=1,memory=1Gi", "cpu=1")}), "Burstable");
  check_qos(pod({}, {container("", "cpu=1")}), "Burstable");
  check_qos(pod({}, {container("", "cpu=1,memory=1Gi")}), "Burstable");                  // the server gives requests where none are stated
  check_qos(pod({}, {container("cpu=0,memory=1Gi", "cpu=1,memory=1Gi")}), "Burstable");  // and none where zero is
}

TEST(QosClass, ThePodItselfStandsForItsContainers) {
  core::PodSpec spec = pod({}, {container("cpu=1,memory=1Gi", "cpu=1,memory=1Gi")});
  spec.resources.ensure();
  check_qos(spec, "BestEffort");
  spec.resources->requests = resource_list("cpu=1,memory=1Gi");
  check_qos(spec, "Burstable");
  spec.resources->limits = resource_list("cpu=1,memory=1Gi");
  check_qos(spec, "Guaranteed");
  spec.resources->limits = resource_list("cpu=2,memory=1Gi");
  check_qos(spec, "Burstable");
}

TEST(QosClass, TheStatusCounts) {
  core::Pod out;
  out.spec = pod({}, {container("cpu=1")});
  EXPECT_EQ(qos_class(out), "Burstable");
  out.status.qos_class = "Guaranteed";
  EXPECT_EQ(qos_class(out), "Guaranteed");
}

}  // namespace
}  // namespace pintle::rules

#include "kubelet/downward/downward.h"

#include <gtest/gtest.h>

namespace pintle::kubelet::downward {
namespace {

namespace core = api::core_v1;

api::Quantity q(std::string_view text) { return api::Quantity::parse(text).value(); }

core::Pod sample() {
  core::Pod pod;
  pod.metadata.name = "web";
  pod.metadata.namespace_ = "shop";
  pod.metadata.uid = "u1";
  pod.metadata.labels = {{"app", "web"}, {"a/b", "x\"y"}};
  pod.metadata.annotations = {{"note", "two\nlines"}};
  pod.spec.node_name = "n1";
  pod.spec.service_account_name = "default";
  core::Container container;
  container.name = "main";
  container.resources.requests = {{"cpu", q("250m")}, {"memory", q("100Mi")}};
  container.resources.limits = {{"memory", q("200Mi")}, {"hugepages-2Mi", q("4Mi")}};
  pod.spec.containers.push_back(std::move(container));
  return pod;
}

void check_field(std::string_view path, std::string_view expected) {
  const auto value = field_value(sample(), path, {{"10.0.0.1", "fd00::1"}, {"10.1.0.5"}});
  ASSERT_TRUE(value) << value.error().message;
  EXPECT_EQ(*value, expected) << path;
}

TEST(Downward, Fields) {
  check_field("metadata.name", "web");
  check_field("metadata.namespace", "shop");
  check_field("metadata.uid", "u1");
  check_field("metadata.labels", "a/b=\"x\\\"y\"\napp=\"web\"");
  check_field("metadata.annotations", "note=\"two\\nlines\"");
  check_field("metadata.labels['app']", "web");
  check_field("metadata.labels['a/b']", "x\"y");
  check_field("metadata.labels['none']", "");
  check_field("metadata.annotations['note']", "two\nlines");
  check_field("spec.nodeName", "n1");
  check_field("spec.serviceAccountName", "default");
  check_field("status.hostIP", "10.0.0.1");
  check_field("status.hostIPs", "10.0.0.1,fd00::1");
  check_field("status.podIP", "10.1.0.5");
  check_field("status.podIPs", "10.1.0.5");
  const auto bad = field_value(sample(), "spec.hostname", {});
  ASSERT_FALSE(bad);
  EXPECT_EQ(bad.error().message, "unsupported fieldPath: spec.hostname");
}

void check_resource(std::string_view resource, std::string_view divisor, std::string_view expected) {
  const core::Pod pod = sample();
  core::ResourceFieldSelector selector;
  selector.resource = resource;
  if (!divisor.empty()) selector.divisor = q(divisor);
  const auto value = resource_value_text(pod, &pod.spec.containers[0], selector, {{"cpu", q("4")}, {"memory", q("8Gi")}});
  ASSERT_TRUE(value) << value.error().message;
  EXPECT_EQ(*value, expected) << resource << " / " << divisor;
}

TEST(Downward, Resources) {
  check_resource("requests.cpu", "", "1");
  check_resource("requests.cpu", "1m", "250");
  check_resource("requests.memory", "1Mi", "100");
  check_resource("requests.memory", "", "104857600");
  check_resource("limits.memory", "1Mi", "200");
  check_resource("limits.cpu", "", "4");  // the node's
  check_resource("limits.cpu", "1m", "4000");
  check_resource("requests.ephemeral-storage", "", "0");
  check_resource("limits.hugepages-2Mi", "1Mi", "4");
  check_resource("requests.hugepages-1Gi", "", "0");
  const core::Pod pod = sample();
  core::ResourceFieldSelector selector;
  selector.resource = "limits.gpu";
  EXPECT_EQ(resource_value_text(pod, &pod.spec.containers[0], selector, {}).error().message, "unsupported container resource : limits.gpu");
  selector.container_name = "nope";
  EXPECT_EQ(resource_value_text(pod, &pod.spec.containers[0], selector, {}).error().message, "container nope not found");
}

TEST(Downward, PodLevelLimit) {
  core::Pod pod = sample();
  pod.spec.resources.ensure().limits = {{"cpu", q("2")}};
  core::ResourceFieldSelector selector;
  selector.resource = "limits.cpu";
  selector.container_name = "main";
  EXPECT_EQ(resource_value_text(pod, nullptr, selector, {{"cpu", q("4")}}).value(), "2");
}

}  // namespace
}  // namespace pintle::kubelet::downward

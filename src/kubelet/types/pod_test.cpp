#include "kubelet/types/pod.h"

#include <gtest/gtest.h>

namespace pintle::kubelet {
namespace {

TEST(PodKinds, StaticAndMirrorPodsAreCritical) {
  api::core_v1::Pod pod;
  EXPECT_FALSE(is_critical_pod(pod));
  pod.metadata.annotations["kubernetes.io/config.source"] = "api";
  EXPECT_FALSE(is_static_pod(pod));
  pod.metadata.annotations["kubernetes.io/config.source"] = "file";
  EXPECT_TRUE(is_static_pod(pod));
  EXPECT_TRUE(is_critical_pod(pod));
  api::core_v1::Pod mirror;
  mirror.metadata.annotations["kubernetes.io/config.mirror"] = "hash";
  EXPECT_FALSE(is_static_pod(mirror));
  EXPECT_TRUE(is_critical_pod(mirror));
}

TEST(PodKinds, SystemPrioritiesAreCritical) {
  api::core_v1::Pod pod;
  pod.spec.priority = 1'999'999'999;
  EXPECT_FALSE(is_critical_pod(pod));
  pod.spec.priority = 2'000'000'000;
  EXPECT_TRUE(is_critical_pod(pod));
  EXPECT_FALSE(is_node_critical_pod(pod));
  pod.spec.priority_class_name = "system-node-critical";
  EXPECT_TRUE(is_node_critical_pod(pod));
}

TEST(PodNames, AsMessagesHaveThem) {
  api::core_v1::Pod pod;
  pod.metadata.name = "web";
  pod.metadata.namespace_ = "shop";
  pod.metadata.uid = "u1";
  EXPECT_EQ(pod_full_name(pod), "web_shop");
  EXPECT_EQ(format_pod(pod), "web_shop(u1)");
}

}  // namespace
}  // namespace pintle::kubelet

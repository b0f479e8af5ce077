#include "apimachinery/discovery/served_resources.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>

namespace pintle::apimachinery {
namespace {

void check_served(std::string_view group, std::string_view version, std::string_view name, std::string_view kind, bool namespaced, Verbs verbs) {
  const ServedResource* resource = find_served_resource(group, version, name);
  ASSERT_NE(resource, nullptr) << name;
  EXPECT_EQ(resource->kind, kind);
  EXPECT_EQ(resource->namespaced, namespaced) << name;
  EXPECT_EQ(resource->verbs, verbs) << name;
}

TEST(ServedResources, Rows) {
  check_served("", "v1", "pods", "Pod", true, all_verbs);
  check_served("", "v1", "namespaces", "Namespace", false, all_verbs & ~verb::deletecollection);
  check_served("", "v1", "bindings", "Binding", true, verb::create);
  check_served("apps", "v1", "deployments", "Deployment", true, all_verbs);
  check_served("autoscaling", "v1", "horizontalpodautoscalers", "HorizontalPodAutoscaler", true, all_verbs);
  check_served("authorization.k8s.io", "v1", "subjectaccessreviews", "SubjectAccessReview", false, verb::create);
  EXPECT_EQ(find_served_resource("apps", "v1beta1", "deployments"), nullptr);
  EXPECT_EQ(find_served_resource("", "v1", "nopes"), nullptr);
}

TEST(ServedResources, Subresources) {
  const ServedResource& pods = *find_served_resource("", "v1", "pods");
  ASSERT_NE(pods.find_subresource("eviction"), nullptr);
  EXPECT_EQ(pods.subresource_gvk(*pods.find_subresource("eviction")), (api::GroupVersionKind{"policy", "v1", "Eviction"}));
  EXPECT_EQ(pods.subresource_gvk(*pods.find_subresource("status")), (api::GroupVersionKind{"", "v1", "Pod"}));
  EXPECT_EQ(pods.find_subresource("scale"), nullptr);
  EXPECT_EQ(pods.short_names.front(), "po");
  EXPECT_EQ(pods.categories.front(), "all");
}

TEST(ServedResources, GroupVersionsAreContiguous) {
  const auto versions = served_group_versions();
  EXPECT_EQ(versions.size(), 22u);
  EXPECT_EQ(versions.front().group, "");
  std::set<std::pair<std::string_view, std::string_view>> seen;
  std::size_t total = 0;
  for (const auto& served : versions) {
    EXPECT_TRUE(seen.insert({served.group, served.version}).second) << served.group;
    EXPECT_TRUE(std::ranges::is_sorted(served.resources, {}, &ServedResource::name)) << served.group;
    total += served.resources.size();
  }
  EXPECT_EQ(total, served_resources().size());
}

TEST(ServedResources, AddOnsStandApart) {
  check_served("metrics.k8s.io", "v1beta1", "nodes", "NodeMetrics", false, verb::get | verb::list);
  check_served("metrics.k8s.io", "v1beta1", "pods", "PodMetrics", true, verb::get | verb::list);
  EXPECT_TRUE(std::ranges::none_of(served_resources(), [](const ServedResource& one) { return one.group == "metrics.k8s.io"; }));
  ASSERT_EQ(add_on_group_versions().size(), 1u);
  EXPECT_EQ(find_served_group_version("metrics.k8s.io", "v1beta1"), &add_on_group_versions().front());
}

TEST(ServedResources, VerbNames) {
  EXPECT_EQ(verb_names(verb::watch | verb::create), (std::vector<std::string_view>{"create", "watch"}));
  EXPECT_EQ(parse_verb("deletecollection"), verb::deletecollection);
  EXPECT_EQ(parse_verb("proxy"), 0);
}

}  // namespace
}  // namespace pintle::apimachinery

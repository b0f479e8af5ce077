#include "apimachinery/discovery/served_set.h"

#include <gtest/gtest.h>

namespace pintle::apimachinery {
namespace {

using Config = std::map<std::string, std::string>;

void check_serves(const Config& config, std::string_view group, std::string_view version, std::string_view resource, bool served) {
  const auto set = ServedSet::configured(config);
  ASSERT_TRUE(set) << set.error().message;
  EXPECT_EQ(set->serves(group, version, resource), served) << group << "/" << version << "/" << resource;
}

void check_refused(const Config& config, std::string_view message) {
  const auto set = ServedSet::configured(config);
  ASSERT_FALSE(set);
  EXPECT_EQ(set.error().message, message);
}

TEST(ServedSet, MoreParticularKeysWin) {
  check_serves({}, "apps", "v1", "deployments", true);
  check_serves({{"apps/v1", "false"}}, "apps", "v1", "deployments", false);
  check_serves({{"apps/v1", "false"}}, "batch", "v1", "jobs", true);
  check_serves({{"apps/v1", "false"}, {"apps/v1/deployments", "true"}}, "apps", "v1", "deployments", true);
  check_serves({{"apps/v1", "false"}, {"apps/v1/deployments", "true"}}, "apps", "v1", "replicasets", false);
  check_serves({{"api/all", "false"}, {"/v1", "true"}}, "", "v1", "pods", true);
  check_serves({{"api/all", "false"}, {"/v1", ""}}, "apps", "v1", "deployments", false);
  check_serves({{"api/all", "false"}, {"api/ga", "true"}}, "apps", "v1", "deployments", true);
  check_serves({{"api/beta", "true"}, {"api/alpha", "false"}}, "apps", "v1", "deployments", true);
  check_serves({{"autoscaling/v1", "false"}}, "autoscaling", "v2", "horizontalpodautoscalers", true);
  check_serves({{"apps/v1beta1", "true"}}, "apps", "v1", "deployments", true);
  check_serves({{"resource.k8s.io/v1beta1", "false"}}, "resource.k8s.io", "v1", "resourceclaims", true);
}

TEST(ServedSet, EmptyVersionsAndGroupsAreGone) {
  const auto set = ServedSet::configured({{"autoscaling/v2/horizontalpodautoscalers", "false"}, {"batch/v1", "false"}});
  ASSERT_TRUE(set);
  EXPECT_EQ(set->find_group_version("autoscaling", "v2"), nullptr);
  EXPECT_NE(set->find_group_version("autoscaling", "v1"), nullptr);
  EXPECT_FALSE(set->has_group("batch"));
  EXPECT_EQ(set->group_versions().size() + 2, served_group_versions().size());
}

TEST(ServedSet, Refusals) {
  check_refused({{"api/all", "false"}}, "invalid key with only api/all=false");
  check_refused({{"api/beta", "yes"}}, "invalid value api/beta=yes");
  check_refused({{"v1", "true"}}, "runtime-config invalid key v1");
  check_refused({{"a/b/c/d", "true"}}, "runtime-config invalid key a/b/c/d");
  check_refused({{"example.com/v1", "true"}}, "unknown api groups example.com");
  check_refused({{"apps/v7", "true"}}, "group version apps/v7 that has not been registered");
  check_refused({{"apps/v1", "maybe"}}, "invalid value of apps/v1: maybe, it must be true or false");
  check_refused({{"apps/v1/Deployments", "true"}},
                "invalid key apps/v1/Deployments: group/version/resource and resource is always lowercase plural, not \"Deployments\"");
  check_refused({{"resource.k8s.io/v1beta1", "true"}}, "--runtime-config: resource.k8s.io/v1beta1 is not served by this release");
}

std::shared_ptr<const RuntimeGroupVersion> widgets(std::string group, std::string version) {
  auto described = std::make_shared<RuntimeResource>();
  RuntimeResource& resource = *described;
  resource.name = "widgets";
  resource.singular = "widget";
  resource.kind = "Widget";
  resource.namespaced = true;
  resource.short_names = {"wd", "wdg"};
  resource.categories = {"all"};
  resource.subresources = {{"status", "Widget", status_verbs, "", ""}, {"scale", "Scale", status_verbs, "autoscaling", "v1"}};
  return std::make_shared<const RuntimeGroupVersion>(std::move(group), std::move(version),
                                                     std::vector<std::shared_ptr<const RuntimeResource>>{described});
}

TEST(ServedSet, ResourcesComeAtRunTimeBehindTheTable) {
  const ServedSet table;
  const std::size_t before = table.group_versions().size();
  ServedSet more =
      table.with({widgets("b.example.com", "v1beta1"), widgets("b.example.com", "v1"), widgets("a.example.com", "v2"), widgets("apps", "v1")});
  ASSERT_EQ(more.group_versions().size(), before + 3) << "what the table has stays the table's";
  std::vector<std::string> order;
  for (const ServedGroupVersion& version : more.group_versions().subspan(before))
    order.push_back(std::string(version.group) + "/" + std::string(version.version));
  EXPECT_EQ(order, (std::vector<std::string>{"a.example.com/v2", "b.example.com/v1", "b.example.com/v1beta1"}));
  EXPECT_TRUE(more.serves("b.example.com", "v1", "widgets"));
  EXPECT_TRUE(more.serves("apps", "v1", "deployments"));
  EXPECT_FALSE(table.serves("b.example.com", "v1", "widgets")) << "a set never changes";
  // Their texts live with the set.
  const ServedSet again = more.with({widgets("c.example.com", "v1")});
  more = ServedSet();
  const ServedGroupVersion* version = again.find_group_version("b.example.com", "v1");
  ASSERT_NE(version, nullptr);
  const ServedResource& resource = version->resources.front();
  EXPECT_EQ(resource.short_names.back(), "wdg");
  EXPECT_EQ(resource.find_subresource("scale")->group, "autoscaling");
  EXPECT_EQ(resource.gvk().kind, "Widget");
}

TEST(ServedSet, AnAddOnIsServedWhereItIsAskedFor) {
  const ServedSet table;
  EXPECT_FALSE(table.has_group("metrics.k8s.io"));
  const ServedSet more = table.with_add_on("metrics.k8s.io");
  EXPECT_EQ(more.table().size(), table.table().size() + 1);
  EXPECT_TRUE(more.serves("metrics.k8s.io", "v1beta1", "pods"));
  EXPECT_TRUE(more.serves("apps", "v1", "deployments"));
  EXPECT_FALSE(table.has_group("metrics.k8s.io")) << "a set never changes";
  // --runtime-config is for the API of upstream's own server.
  check_refused({{"metrics.k8s.io/v1beta1", "true"}}, "unknown api groups metrics.k8s.io");
}

TEST(ServedSet, WhatIsInstalledIntoAGroupOfTheTableStandsInItsPlace) {
  const ServedSet more = ServedSet().with({widgets("storage.k8s.io", "v9"), widgets("z.example.com", "v1")});
  const auto versions = more.versions_of("storage.k8s.io");
  ASSERT_GE(versions.size(), 2U);
  EXPECT_EQ(versions.front().version, "v9");
  EXPECT_EQ(versions.back().version, "v1");
  EXPECT_TRUE(more.serves("storage.k8s.io", "v1", "storageclasses"));
  EXPECT_NE(more.find_runtime("storage.k8s.io", "v9"), nullptr);
  EXPECT_EQ(more.find_runtime("storage.k8s.io", "v1"), nullptr);
  EXPECT_EQ(more.group_versions().back().group, "z.example.com");
  EXPECT_TRUE(more.has_group("z.example.com"));
  EXPECT_FALSE(more.has_group("y.example.com"));
}

}  // namespace
}  // namespace pintle::apimachinery

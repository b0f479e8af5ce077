#include "apimachinery/discovery/documents.h"

#include <gtest/gtest.h>

#include "api/codec.h"

namespace pintle::apimachinery {
namespace {

template <class T>
std::string json_of(const T& document) {
  std::string out;
  api::encode_json(api::type_of<T>(), &document, out);
  return out;
}

TEST(Discovery, GroupsAndVersions) {
  const Catalog catalog = built_in_catalog();
  EXPECT_EQ(json_of(api_versions(catalog, "127.0.0.1:6443")),
            R"({"versions":["v1"],"serverAddressByClientCIDRs":[{"clientCIDR":"0.0.0.0/0","serverAddress":"127.0.0.1:6443"}]})");
  EXPECT_EQ(api_group_list(catalog).groups.size(), catalog.size() - 1);
  const auto scaling = api_group(catalog, "autoscaling");
  ASSERT_TRUE(scaling);
  EXPECT_EQ(
      json_of(*scaling),
      R"({"name":"autoscaling","versions":[{"groupVersion":"autoscaling/v2","version":"v2"},{"groupVersion":"autoscaling/v1","version":"v1"}],"preferredVersion":{"groupVersion":"autoscaling/v2","version":"v2"}})");
  EXPECT_FALSE(api_group(catalog, ""));
  EXPECT_FALSE(api_group(catalog, "nope"));
}

TEST(Discovery, Resources) {
  const Catalog catalog = built_in_catalog();
  const auto list = api_resource_list(catalog, "policy", "v1");
  ASSERT_TRUE(list);
  EXPECT_EQ(
      json_of(*list),
      R"({"groupVersion":"policy/v1","resources":[{"name":"poddisruptionbudgets","singularName":"poddisruptionbudget","namespaced":true,"kind":"PodDisruptionBudget","verbs":["create","delete","deletecollection","get","list","patch","update","watch"],"shortNames":["pdb"],"storageVersionHash":"EVWiDmWqyJw="},{"name":"poddisruptionbudgets/status","singularName":"","namespaced":true,"kind":"PodDisruptionBudget","verbs":["get","patch","update"]}]})");
  EXPECT_TRUE(api_resource_list(catalog, "", "v1"));
  EXPECT_FALSE(api_resource_list(catalog, "", "v2"));
}

TEST(Discovery, Aggregated) {
  const Catalog catalog = built_in_catalog();
  const auto core = aggregated_discovery(catalog, true);
  ASSERT_EQ(core.items.size(), 1u);
  const std::string text = json_of(core);
  EXPECT_TRUE(text.starts_with(
      R"({"metadata":{},"items":[{"metadata":{},"versions":[{"version":"v1","resources":[{"resource":"bindings","responseKind":{"group":"","version":"","kind":"Binding"},"scope":"Namespaced","singularResource":"binding","verbs":["create"]})"))
      << text.substr(0, 400);
  EXPECT_NE(text.find(R"({"subresource":"eviction","responseKind":{"group":"policy","version":"v1","kind":"Eviction"},"verbs":["create"]})"),
            std::string::npos);
  EXPECT_TRUE(text.ends_with(R"("freshness":"Current"}]}]})"));
  EXPECT_EQ(aggregated_discovery(catalog, false).items.size(), catalog.size() - 1);
}

TEST(Discovery, Etags) {
  EXPECT_EQ(etag_of("a"), etag_of("a"));
  EXPECT_NE(etag_of("a"), etag_of("b"));
  EXPECT_EQ(etag_of("a").size(), 34u);
}

}  // namespace
}  // namespace pintle::apimachinery

#include "client/resource.h"

#include <gtest/gtest.h>

#include "api/gen/apps_v1.h"
#include "api/gen/core_v1.h"

namespace pintle::client {
namespace {

void check_path(const Resource& resource, std::string_view ns, std::string_view name, std::string_view subresource, std::string_view want) {
  EXPECT_EQ(resource.path(ns, name, subresource), want);
}

TEST(Resource, Paths) {
  const Resource& pods = resource_of<api::core_v1::Pod>();
  const Resource& nodes = resource_of<api::core_v1::Node>();
  const Resource& deployments = resource_of<api::apps_v1::Deployment>();
  check_path(pods, "", "", "", "/api/v1/pods");
  check_path(pods, "default", "", "", "/api/v1/namespaces/default/pods");
  check_path(pods, "default", "web", "status", "/api/v1/namespaces/default/pods/web/status");
  check_path(nodes, "ignored", "n1", "", "/api/v1/nodes/n1");
  check_path(deployments, "a", "b", "scale", "/apis/apps/v1/namespaces/a/deployments/b/scale");
  check_path(nodes, "", "system:odd/name", "", "/api/v1/nodes/system%3Aodd%2Fname");
  EXPECT_EQ(pods.group_resource(), "pods");
  EXPECT_EQ(deployments.group_resource(), "deployments.apps");
  EXPECT_EQ(deployments.api_version(), "apps/v1");
}

TEST(Resource, TheTableIsWhole) {
  for (const Resource* resource : builtin_resources()) {
    const api::KindInfo* kind = api::find_kind(resource->group, resource->version, resource->kind);
    ASSERT_NE(kind, nullptr) << resource->kind;
    EXPECT_EQ(&resource_of(*kind->type), resource);
  }
  EXPECT_GE(builtin_resources().size(), 60u);
}

}  // namespace
}  // namespace pintle::client

#include "rules/resource_claims.h"

#include <gtest/gtest.h>

#include "api/testing/from_yaml.h"

namespace pintle::rules {
namespace {

using api::core_v1::Pod;
using api::resource_v1::ResourceClaim;
using api::testing::from_yaml;

// "NAME", "NAME?" where the owner must be checked, or why there is none.
std::string named(const std::string& entry, const std::string& statuses = "[]") {
  const auto pod = from_yaml<Pod>("{metadata: {namespace: ns, name: p}, spec: {resourceClaims: [" + entry +
                                  "]}, status: {resourceClaimStatuses: " + statuses + "}}");
  const auto out = resource_claim_name(pod, pod.spec.resource_claims[0]);
  return out ? out->name + (out->check_owner ? "?" : "") : out.error().message;
}

TEST(ResourceClaims, Names) {
  EXPECT_EQ(named("{name: r, resourceClaimName: c}"), "c");
  EXPECT_EQ(named("{name: r, resourceClaimTemplateName: t}"), "pod \"ns/p\": ResourceClaim not created yet");
  EXPECT_EQ(named("{name: r, resourceClaimTemplateName: t}", "[{name: r, resourceClaimName: c}]"), "c?");
  EXPECT_EQ(named("{name: r, resourceClaimTemplateName: t}", "[{name: r}]"), "?") << "none is needed";
  EXPECT_EQ(named("{name: r}"), "pod \"ns/p\", spec.resourceClaim \"r\": none of the supported fields are set");
}

TEST(ResourceClaims, Owners) {
  const auto pod = from_yaml<Pod>("{metadata: {namespace: ns, name: p, uid: u}}");
  const std::string owned = "ownerReferences: [{apiVersion: v1, kind: Pod, name: p, uid: u, controller: true}]";
  EXPECT_EQ(not_made_for(pod, from_yaml<ResourceClaim>("{metadata: {namespace: ns, name: c, " + owned + "}}")), "");
  EXPECT_EQ(not_made_for(pod, from_yaml<ResourceClaim>("{metadata: {namespace: x, name: c, " + owned + "}}")),
            "ResourceClaim x/c is not in the same namespace as Pod ns/p");
  EXPECT_EQ(not_made_for(pod, from_yaml<ResourceClaim>("{metadata: {namespace: ns, name: c}}")),
            "ResourceClaim ns/c was not created for Pod ns/p (Pod is not owner)");
  EXPECT_EQ(owning_pod(from_yaml<ResourceClaim>("{metadata: {" + owned + "}}"))->uid, "u");
  EXPECT_EQ(owning_pod(from_yaml<ResourceClaim>("{metadata: {ownerReferences: [{apiVersion: v1, kind: Job, uid: u, controller: true}]}}")), nullptr);
}

TEST(ResourceClaims, Reservations) {
  const auto pod = from_yaml<Pod>("{metadata: {name: p, uid: u}}");
  ResourceClaim claim;
  EXPECT_FALSE(is_reserved_for(claim, pod));
  claim.status.reserved_for.push_back(consumer_reference(pod));
  EXPECT_TRUE(is_reserved_for(claim, pod));
  EXPECT_FALSE(is_reserved_for(claim, from_yaml<Pod>("{metadata: {name: p, uid: v}}"))) << "another of that name";
}

TEST(ResourceClaims, ResourcesOfDevices) {
  EXPECT_TRUE(is_device_resource("example.com/gpu"));
  EXPECT_TRUE(is_device_resource("deviceclass.resource.kubernetes.io/gpu"));
  EXPECT_FALSE(is_device_resource("cpu"));
  EXPECT_FALSE(is_device_resource("hugepages-2Mi"));
}

TEST(ResourceClaims, ExtendedResources) {
  const auto pod = from_yaml<Pod>(
      "{status: {extendedResourceClaimStatus: {resourceClaimName: c, requestMappings: [{containerName: a, resourceName: e.test/d, requestName: "
      "r}]}}}");
  EXPECT_TRUE(comes_by_claim(pod, "a", "e.test/d"));
  EXPECT_FALSE(comes_by_claim(pod, "b", "e.test/d"));
  EXPECT_FALSE(comes_by_claim(pod, "a", "e.test/other"));
  EXPECT_FALSE(comes_by_claim(from_yaml<Pod>("{}"), "a", "e.test/d"));
}

TEST(ResourceClaims, AdminAccess) {
  EXPECT_TRUE(has_admin_access(
      from_yaml<api::resource_v1::ResourceClaimSpec>("{devices: {requests: [{name: a}, {name: b, exactly: {adminAccess: true}}]}}")));
  EXPECT_FALSE(has_admin_access(from_yaml<api::resource_v1::ResourceClaimSpec>("{devices: {requests: [{name: b, exactly: {adminAccess: false}}]}}")));
}

}  // namespace
}  // namespace pintle::rules

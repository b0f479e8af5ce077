#include "controller/resource_claim/plan.h"

#include <gtest/gtest.h>

#include "api/testing/from_yaml.h"

namespace pintle::controller::resource_claim {
namespace {

using api::testing::from_yaml;

TEST(ResourceClaimPlan, NamesAreCutInProportion) {
  EXPECT_EQ(generated_base("web", "gpu"), "web-gpu-");
  const std::string base = generated_base(std::string(80, 'p'), std::string(20, 'c'));
  EXPECT_EQ(base, std::string(44, 'p') + "-" + std::string(11, 'c'));
}

TEST(ResourceClaimPlan, AClaimOfATemplate) {
  const auto claim =
      claim_from(from_yaml<ResourceClaimTemplate>("{metadata: {name: t}, spec: {metadata: {labels: {a: b}, annotations: {c: d}}, spec: {devices: "
                                                  "{requests: [{name: r}]}}}}"),
                 from_yaml<Pod>("{metadata: {namespace: ns, name: p, uid: u}}"), "r1");
  EXPECT_EQ(claim.metadata.generate_name, "p-r1-");
  EXPECT_EQ(*claim.metadata.labels.get("a"), "b");
  EXPECT_EQ(*claim.metadata.annotations.get("c"), "d");
  EXPECT_EQ(*claim.metadata.annotations.get("resource.kubernetes.io/pod-claim-name"), "r1");
  EXPECT_EQ(claim.metadata.owner_references[0].uid, "u");
  EXPECT_EQ(claim.metadata.owner_references[0].block_owner_deletion, std::nullopt);
  EXPECT_EQ(claim.spec.devices.requests[0].name, "r");
}

bool works(std::string_view pod, std::string_view claim = "") {
  const auto found = claim.empty() ? nullptr : std::make_shared<const ResourceClaim>(from_yaml<ResourceClaim>(claim));
  return needs_work(from_yaml<Pod>(pod), [&](const std::string&) { return found; });
}

TEST(ResourceClaimPlan, PodsThatLackSomething) {
  const char* const told =
      "{metadata: {namespace: ns, name: p, uid: u}, spec: {resourceClaims: [{name: r, resourceClaimTemplateName: t}]}, status: "
      "{resourceClaimStatuses: [{name: "
      "r, resourceClaimName: c}]}}";
  const char* const owned = "{metadata: {namespace: ns, name: c, ownerReferences: [{kind: Pod, apiVersion: v1, uid: u, controller: true}]}}";
  EXPECT_TRUE(works("{metadata: {name: p}, spec: {resourceClaims: [{name: r, resourceClaimTemplateName: t}]}}"));
  EXPECT_TRUE(works(told)) << "it was made, and is gone";
  EXPECT_FALSE(works(told, owned));
  EXPECT_FALSE(works(std::string(told).replace(std::string(told).find("status: {"), 9, "status: {phase: Failed, "))) << "it has ended";
  EXPECT_FALSE(works(told, "{metadata: {namespace: ns, name: c}}")) << "another's: nothing can be done until it goes";
  EXPECT_FALSE(works("{metadata: {name: p}, spec: {resourceClaims: [{name: r, resourceClaimName: c}]}}")) << "its user makes it";
  const char* const bound = "{metadata: {name: p, uid: u}, spec: {nodeName: n1, resourceClaims: [{name: r, resourceClaimName: c}]}}";
  EXPECT_TRUE(works(bound, "{metadata: {name: c}, status: {allocation: {}}}")) << "bound without the scheduler";
  EXPECT_FALSE(works(bound, "{metadata: {name: c}, status: {allocation: {}, reservedFor: [{resource: pods, name: p, uid: u}]}}"));
  EXPECT_FALSE(works(bound, "{metadata: {name: c}}"));
  EXPECT_FALSE(
      works("{metadata: {name: p, deletionTimestamp: 2026-01-01T00:00:00Z}, spec: {resourceClaims: [{name: r, resourceClaimTemplateName: t}]}}"));
}

TEST(ResourceClaimPlan, WhoUsesAClaim) {
  const auto consumer = from_yaml<api::resource_v1::ResourceClaimConsumerReference>("{resource: pods, name: p, uid: u}");
  const auto state = [&](std::string_view pod) {
    const Pod p = from_yaml<Pod>(pod);
    return consumer_state(consumer, &p);
  };
  EXPECT_EQ(consumer_state(consumer, nullptr), Consumer::Unknown);
  EXPECT_EQ(state("{metadata: {uid: u}}"), Consumer::Uses);
  EXPECT_EQ(state("{metadata: {uid: v}}"), Consumer::Gone);
  EXPECT_EQ(state("{metadata: {uid: u}, status: {phase: Succeeded}}"), Consumer::Gone);
  EXPECT_EQ(state("{metadata: {uid: u, deletionTimestamp: 2026-01-01T00:00:00Z}}"), Consumer::Gone) << "it never gets a node";
  EXPECT_EQ(state("{metadata: {uid: u, deletionTimestamp: 2026-01-01T00:00:00Z}, spec: {nodeName: n1}}"), Consumer::Uses);
  EXPECT_EQ(consumer_state(from_yaml<api::resource_v1::ResourceClaimConsumerReference>("{apiGroup: x, resource: pods, name: p, uid: u}"), nullptr),
            Consumer::Uses);
}

}  // namespace
}  // namespace pintle::controller::resource_claim

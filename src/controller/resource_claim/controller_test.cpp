#include "controller/resource_claim/controller.h"

#include <gtest/gtest.h>

#include "api/testing/from_yaml.h"
#include "controller/resource_claim/plan.h"
#include "controller/testing.h"

namespace pintle::controller::resource_claim {
namespace {

using api::testing::from_yaml;
using std::chrono::seconds;
using testing::pass;
using testing::World;

const char* const templated = "{metadata: {namespace: ns, name: p, uid: u}, spec: {resourceClaims: [{name: r, resourceClaimTemplateName: t}]}}";

// The server names what is made.
void name_claims(World& world, const std::function<int(const client::testing::FakeServer::Write&)>& code) {
  world.server.on_write = [&world, code](const client::testing::FakeServer::Write& write) {
    if (write.method == "POST" && write.path.ends_with("/resourceclaims")) {
      auto claim = write.as<ResourceClaim>();
      claim.metadata.name = claim.metadata.generate_name + "x";
      world.server.put(claim);
    }
    return code(write);
  };
}

TEST(ResourceClaimController, MakesClaimsOnce) {
  testing::in_world([](World& world) -> rt::Task<void> {
    world.server.put(from_yaml<Pod>(templated));
    const auto from = from_yaml<ResourceClaimTemplate>("{metadata: {namespace: ns, name: t}}");
    world.server.put(from);
    bool refused = false;
    name_claims(world, [&](const auto& write) {
      if (write.method != "PATCH") return 200;
      if (!std::exchange(refused, true)) return 500;
      auto knows = from_yaml<Pod>(templated);
      knows.status = from_yaml<api::core_v1::PodStatus>("{resourceClaimStatuses: [{name: r, resourceClaimName: p-r-x}]}");
      world.server.put(std::move(knows));
      return 200;
    });
    co_await world.start(make_resource_claim_controller);
    co_await pass(seconds(1));
    world.server.put(from);
    co_await pass(seconds(5));
    EXPECT_EQ(world.server.written("POST", "/namespaces/ns/resourceclaims").size(), 1u) << "though the pod was not told at first";
    const auto told = world.server.written("PATCH", "/pods/p/status");
    CHECK(told.size() == 2, "the pod is told, at the second try");
    EXPECT_TRUE(world.tells(R"(resourceclaim_controller_creates_total{status="success",admin_access="false"} 1)"));
    EXPECT_TRUE(
        world.tells(R"(resourceclaim_controller_resource_claims{allocated="false",admin_access="false",source="resource_claim_template"} 1)"));
    EXPECT_TRUE(told[1].body.view().contains(R"("resourceClaimStatuses":[{"name":"r","resourceClaimName":"p-r-x"}])")) << told[1].body.view();
    world.server.on_write = nullptr;
  });
}

TEST(ResourceClaimController, SaysWhatIsMissing) {
  testing::in_world([](World& world) -> rt::Task<void> {
    world.server.put(from_yaml<Pod>(templated));
    name_claims(world, [](const auto&) { return 200; });
    co_await world.start(make_resource_claim_controller);
    co_await pass(seconds(1));
    EXPECT_EQ(world.event("FailedResourceClaimCreation"),
              "PodResourceClaim r: resource claim template \"t\": resourceclaimtemplate.resource.k8s.io \"t\" not found");
    world.server.put(from_yaml<ResourceClaimTemplate>("{metadata: {namespace: ns, name: t}}"));
    co_await pass(seconds(5));
    EXPECT_EQ(world.server.written("POST", "/resourceclaims").size(), 1u);
    world.server.on_write = nullptr;
  });
}

const char* const reserved =
    "{metadata: {namespace: ns, name: c, uid: cu, finalizers: [resource.kubernetes.io/delete-protection], ownerReferences: [{apiVersion: v1, kind: "
    "Pod, name: p, "
    "uid: u, controller: true}]}, status: {allocation: {}, reservedFor: [{resource: pods, name: p, uid: u}]}}";

// What was written of the claim after the pod became `pod`; "": it went.
void check_end(std::string_view pod, bool freed, bool deleted) {
  testing::in_world([=](World& world) -> rt::Task<void> {
    const auto first =
        from_yaml<Pod>("{metadata: {namespace: ns, name: p, uid: u}, spec: {nodeName: n1, resourceClaims: [{name: r, resourceClaimName: c}]}}");
    world.server.put(first);
    world.server.put(from_yaml<ResourceClaim>(reserved));
    co_await world.start(make_resource_claim_controller);
    co_await pass(seconds(1));
    EXPECT_TRUE(world.server.writes.empty());
    if (pod.empty())
      world.server.remove(first);
    else
      world.server.put(from_yaml<Pod>(pod));
    co_await pass(seconds(1));
    const auto statuses = world.server.written("PUT", "/resourceclaims/c/status");
    EXPECT_EQ(!statuses.empty(), freed);
    if (freed && !statuses.empty()) {
      const auto status = statuses[0].as<ResourceClaim>().status;
      EXPECT_TRUE(status.reserved_for.empty());
      EXPECT_FALSE(status.allocation);
    }
    EXPECT_EQ(!world.server.written("DELETE", "/resourceclaims/c").empty(), deleted);
  });
}

TEST(ResourceClaimController, FreesWhatEndedPodsUsed) {
  check_end(
      "{metadata: {namespace: ns, name: p, uid: u}, spec: {nodeName: n1, resourceClaims: [{name: r, resourceClaimName: c}]}, status: {phase: "
      "Running}}",
      false, false);
  check_end(
      "{metadata: {namespace: ns, name: p, uid: u}, spec: {nodeName: n1, resourceClaims: [{name: r, resourceClaimName: c}]}, status: {phase: "
      "Succeeded}}",
      true, true);
  check_end("", true, false);  // the claim goes with its owner: the garbage collector's
}

// A consumer that is not known is asked for, before the claim is taken from it.
TEST(ResourceClaimController, AsksForPodsThatItDoesNotKnow) {
  for (const bool there : {false, true}) {
    testing::in_world([=](World& world) -> rt::Task<void> {
      world.server.put(from_yaml<ResourceClaim>(reserved));
      if (there) world.server.documents["/api/v1/namespaces/ns/pods/p"] = R"({"kind":"Pod","apiVersion":"v1","metadata":{"name":"p","uid":"u"}})";
      co_await world.start(make_resource_claim_controller);
      co_await pass(seconds(1));
      EXPECT_EQ(world.server.written("PUT", "/resourceclaims/c/status").empty(), there);
    });
  }
}

TEST(ResourceClaimController, ADeletedClaimThatNobodyUses) {
  testing::in_world([](World& world) -> rt::Task<void> {
    world.server.put(
        from_yaml<ResourceClaim>("{metadata: {namespace: ns, name: c, uid: cu, deletionTimestamp: 2026-01-01T00:00:00Z, finalizers: "
                                 "[resource.kubernetes.io/delete-protection]}, status: {allocation: {}}}"));
    world.server.put(
        from_yaml<ResourceClaim>("{metadata: {namespace: ns, name: d, uid: du, finalizers: [resource.kubernetes.io/delete-protection]}, status: "
                                 "{allocation: {}}}"));
    co_await world.start(make_resource_claim_controller);
    co_await pass(seconds(1));
    EXPECT_FALSE(world.server.written("PUT", "/resourceclaims/c/status")[0].as<ResourceClaim>().status.allocation);
    EXPECT_TRUE(world.server.written("PUT", "/resourceclaims/d/status").empty()) << "allocated for nobody yet: it stays so";
  });
}

TEST(ResourceClaimController, ReservesForPodsThatWereBoundWithoutTheScheduler) {
  testing::in_world([](World& world) -> rt::Task<void> {
    world.server.put(
        from_yaml<Pod>("{metadata: {namespace: ns, name: p, uid: u}, spec: {nodeName: n1, resourceClaims: [{name: r, resourceClaimName: c}]}}"));
    world.server.put(from_yaml<ResourceClaim>("{metadata: {namespace: ns, name: c, uid: cu}, status: {allocation: {}}}"));
    co_await world.start(make_resource_claim_controller);
    co_await pass(seconds(1));
    const auto writes = world.server.written("PUT", "/resourceclaims/c/status");
    CHECK(!writes.empty(), "it is reserved");
    EXPECT_EQ(writes[0].as<ResourceClaim>().status.reserved_for[0].uid, "u");
  });
}

}  // namespace
}  // namespace pintle::controller::resource_claim

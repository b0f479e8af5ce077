#include <gtest/gtest.h>

#include "rules/resource_claims.h"
#include "scheduler/framework/diagnosis.h"
#include "scheduler/plugins/dynamic_resources/cycle_claims.h"
#include "scheduler/testing/scene.h"

namespace pintle::scheduler::plugins {
namespace {

using namespace testing;
namespace v1 = api::resource_v1;

const char* const plugin = "DynamicResources";
const char* const uses_c = "{resourceClaims: [{name: r, resourceClaimName: c}]}";
const char* const from_template = "{resourceClaims: [{name: r, resourceClaimTemplateName: t}]}";

// Two nodes: n1 has a small and a big device, n2 a small one.
Scene cluster() {
  Scene out;
  out.node("n1 cpu=4 pods=10").node("n2 cpu=4 pods=10");
  out.object<v1::DeviceClass>("{metadata: {name: any}}");
  out.object<v1::DeviceClass>("{metadata: {name: big}, spec: {selectors: [{cel: {expression: 'device.attributes[\"drv\"].size > 1'}}]}}");
  out.object<v1::ResourceSlice>(
      "{metadata: {name: s1}, spec: {driver: drv, pool: {name: n1, generation: 1, resourceSliceCount: 1}, nodeName: n1, devices: [{name: small, "
      "attributes: "
      "{size: {int: 1}}}, {name: big, attributes: {size: {int: 2}}}]}}");
  out.object<v1::ResourceSlice>(
      "{metadata: {name: s2}, spec: {driver: drv, pool: {name: n2, generation: 1, resourceSliceCount: 1}, nodeName: n2, devices: [{name: small, "
      "attributes: "
      "{size: {int: 1}}}]}}");
  return out;
}
std::string claim(const std::string& name, const std::string& device_class, const std::string& more = "") {
  return "{metadata: {namespace: default, name: " + name + ", uid: " + name +
         "-uid}, spec: {devices: {requests: [{name: r, exactly: {deviceClassName: " + device_class + ", allocationMode: ExactCount, count: 1}}]}}" +
         more + "}";
}
std::string allocated(const std::string& device, const std::string& more = "") {
  return ", status: {allocation: {devices: {results: [{request: r, driver: drv, pool: n1, device: " + device + more +
         "}]}, nodeSelector: {nodeSelectorTerms: [{matchFields: [{key: metadata.name, operator: In, values: [n1]}]}]}}";
}

std::string enqueued(const Scene& scene, const Pod& pod) {
  std::string out;
  scene.run(plugin, "", [&](Scene::World& world) {
    const auto status = dynamic_cast<PreEnqueuePlugin&>(*world.plugin).pre_enqueue(*make_pod_info(std::make_shared<const Pod>(pod)));
    out = status.ok() ? "" : status.message();
  });
  return out;
}

TEST(DynamicResources, ClaimsThatAreNotThere) {
  EXPECT_EQ(cluster().filter(plugin, pod_of("p")), "skip");
  EXPECT_EQ(enqueued(cluster(), pod_of("p")), "");
  const std::pair<const char*, const char*> cases[] = {
      {uses_c, "could not find ResourceClaim \"default/c\""},
      {from_template, "pod \"default/p\": ResourceClaim not created yet"},
      {"{resourceClaims: [{name: r}]}", "pod \"default/p\", spec.resourceClaim \"r\": none of the supported fields are set"}};
  for (const auto& [spec, why] : cases) {
    EXPECT_EQ(enqueued(cluster(), pod_of("p", spec)), why);
    EXPECT_EQ(cluster().filter(plugin, pod_of("p", spec)), std::string("pod: ") + why);
  }
  Scene going = cluster().object<v1::ResourceClaim>(
      "{metadata: {namespace: default, name: c, uid: u, deletionTimestamp: 2026-01-01T00:00:00Z, finalizers: [x]}}");
  EXPECT_EQ(enqueued(going, pod_of("p", uses_c)), "resourceclaim \"c\" is being deleted");
}

TEST(DynamicResources, ClaimsMadeForAPod) {
  Pod pod = pod_of("p", from_template);
  pod.status.resource_claim_statuses.push_back({"r", "c"});
  EXPECT_EQ(cluster().object<v1::ResourceClaim>(claim("c", "any")).filter(plugin, pod),
            "pod: ResourceClaim default/c was not created for Pod default/p (Pod is not owner)");
  EXPECT_EQ(cluster()
                .object<v1::ResourceClaim>(
                    "{metadata: {namespace: default, name: c, uid: u, ownerReferences: [{apiVersion: v1, kind: Pod, name: p, uid: p, "
                    "controller: true}]}}")
                .filter(plugin, pod),
            "n1; n2");
  pod.status.resource_claim_statuses[0].resource_claim_name.reset();
  EXPECT_EQ(cluster().filter(plugin, pod), "skip") << "none is needed";
}

TEST(DynamicResources, NodesThatHaveTheDevices) {
  EXPECT_EQ(cluster().object<v1::ResourceClaim>(claim("c", "any")).filter(plugin, pod_of("p", uses_c)), "n1; n2");
  EXPECT_EQ(cluster().object<v1::ResourceClaim>(claim("c", "big")).filter(plugin, pod_of("p", uses_c)), "n1; n2: !cannot allocate all claims");
  EXPECT_EQ(cluster().object<v1::ResourceClaim>(claim("c", "none")).filter(plugin, pod_of("p", uses_c)),
            "pod: request r: device class none does not exist");
  EXPECT_EQ(cluster()
                .object<v1::ResourceClaim>(claim("c", "big"))
                .object<v1::ResourceClaim>(claim("other", "big", allocated("big") + "}"))
                .filter(plugin, pod_of("p", uses_c)),
            "n1: !cannot allocate all claims; n2: !cannot allocate all claims")
      << "somebody has it";
}

// A pod that names a claim twice gets its devices once.
TEST(DynamicResources, AClaimThatIsNamedTwice) {
  EXPECT_EQ(cluster()
                .object<v1::ResourceClaim>(claim("c", "big"))
                .filter(plugin, pod_of("p", "{resourceClaims: [{name: r, resourceClaimName: c}, {name: s, resourceClaimName: c}]}")),
            "n1; n2: !cannot allocate all claims");
}

TEST(DynamicResources, SelectorsThatFailEndTheCycle) {
  Scene scene = cluster().object<v1::DeviceClass>(
      "{metadata: {name: wrong}, spec: {selectors: [{cel: {expression: 'device.attributes[\"drv\"].none == 1'}}]}}");
  scene.object<v1::ResourceClaim>(claim("c", "wrong"));
  scene.run(plugin, "", [&](Scene::World& world) {
    CycleState state;
    NodeNames names;
    const auto pod = make_pod_info(shared_pod("p", uses_c));
    EXPECT_TRUE(dynamic_cast<PreFilterPlugin&>(*world.plugin).pre_filter(state, *pod, names).ok());
    Reasons reasons;
    EXPECT_EQ(dynamic_cast<FilterPlugin&>(*world.plugin).filter(state, *pod, *world.cache.find("n1"), reasons), Code::Error);
    EXPECT_EQ(*reasons.begin(), "class wrong: selector #0: CEL runtime error: no such key: none");
  });
}

std::string post_filtered(Scene& scene, const std::string& spec, std::vector<client::testing::FakeServer::Write>& writes) {
  std::string out;
  scene.run(
      plugin, "",
      [&](Scene::World& world) {
        CycleState state;
        NodeNames names;
        const auto pod = make_pod_info(shared_pod("p", spec));
        (void)dynamic_cast<PreFilterPlugin&>(*world.plugin).pre_filter(state, *pod, names);
        Reasons reasons;
        for (const char* node : {"n1", "n2"}) (void)dynamic_cast<FilterPlugin&>(*world.plugin).filter(state, *pod, *world.cache.find(node), reasons);
        out = dynamic_cast<PostFilterPlugin&>(*world.plugin).post_filter(state, *pod, Diagnosis()).status.message();
      },
      [&](Scene::World& world) { writes = world.server.writes; });
  return out;
}

TEST(DynamicResources, ClaimsThatAreElsewhereAreGivenBack) {
  std::vector<client::testing::FakeServer::Write> writes;
  Scene free = cluster().object<v1::ResourceClaim>(claim("c", "big", allocated("big") + "}"));
  EXPECT_EQ(free.filter(plugin, pod_of("p", uses_c)), "n1; n2: !resourceclaim not available on the node");
  EXPECT_EQ(post_filtered(free, uses_c, writes), "deallocation of ResourceClaim completed");
  ASSERT_EQ(writes.size(), 1u);
  EXPECT_TRUE(writes[0].path.ends_with("/resourceclaims/c/status"));
  EXPECT_FALSE(writes[0].as<v1::ResourceClaim>().status.allocation);
  Scene used = cluster().object<v1::ResourceClaim>(
      claim("c", "big", allocated("big") + ", reservedFor: [{resource: pods, name: a, uid: a}, {resource: pods, name: b, uid: b}]}"));
  EXPECT_EQ(post_filtered(used, uses_c, writes), "still not schedulable");
  Scene nothing = cluster();
  EXPECT_EQ(post_filtered(nothing, "", writes), "no new claims to deallocate");
}

TEST(DynamicResources, BindingConditionsThatFailed) {
  const std::string waits = ", bindingConditions: [ready], bindingFailureConditions: [broken]";
  const auto with = [&](const std::string& condition) {
    return claim("c", "big", allocated("big", waits) + ", devices: [{driver: drv, pool: n1, device: big, conditions: [" + condition + "]}]}");
  };
  EXPECT_EQ(cluster().object<v1::ResourceClaim>(claim("c", "big", allocated("big", waits) + "}")).filter(plugin, pod_of("p", uses_c)),
            "n1; n2: !resourceclaim not available on the node");
  EXPECT_EQ(cluster().object<v1::ResourceClaim>(with("{type: broken, status: 'True', reason: R, message: m}")).filter(plugin, pod_of("p", uses_c)),
            "n1: !resourceclaim not available on the node; n2: !resourceclaim not available on the node");
  EXPECT_EQ(cluster().object<v1::ResourceClaim>(with("{type: ready, status: 'True', reason: R, message: m}")).filter(plugin, pod_of("p", uses_c)),
            "n1; n2: !resourceclaim not available on the node");
}

TEST(DynamicResources, ScoresTheBetterAlternatives) {
  Scene scene = cluster().object<v1::ResourceClaim>(
      "{metadata: {namespace: default, name: c, uid: c}, spec: {devices: {requests: [{name: r, firstAvailable: [{name: best, deviceClassName: big, "
      "allocationMode: ExactCount, count: 1}, {name: rest, deviceClassName: any, allocationMode: ExactCount, count: 1}]}]}}}");
  scene.run(plugin, "", [&](Scene::World& world) {
    CycleState state;
    NodeNames names;
    const auto pod = make_pod_info(shared_pod("p", uses_c));
    ASSERT_TRUE(dynamic_cast<PreFilterPlugin&>(*world.plugin).pre_filter(state, *pod, names).ok());
    NodeList nodes;
    for (const char* node : {"n1", "n2"}) {
      Reasons reasons;
      EXPECT_EQ(dynamic_cast<FilterPlugin&>(*world.plugin).filter(state, *pod, *world.cache.find(node), reasons), Code::Success);
      nodes.push_back(world.cache.find(node));
    }
    std::vector<int64_t> scores(2);
    EXPECT_TRUE(dynamic_cast<ScorePlugin&>(*world.plugin).score(state, *pod, nodes, scores).ok());
    EXPECT_EQ(scores, (std::vector<int64_t>{100, 87}));  // 8 and 7 of 8
  });
}

// What one pod was given no other gets, until it is given up; who came for it meanwhile is told.
TEST(DynamicResources, ReservedDevicesAreNotGivenTwice) {
  Scene scene = cluster().object<v1::ResourceClaim>(claim("c", "big")).object<v1::ResourceClaim>(claim("d", "big"));
  scene.run(plugin, "", [&](Scene::World& world) {
    auto& filter = dynamic_cast<FilterPlugin&>(*world.plugin);
    auto& reserve = dynamic_cast<ReservePlugin&>(*world.plugin);
    const auto fits = [&](CycleState& state, const PodInfo& pod) {
      NodeNames names;
      const PluginStatus status = dynamic_cast<PreFilterPlugin&>(*world.plugin).pre_filter(state, pod, names);
      if (!status.ok()) return status.message();
      Reasons reasons;
      (void)filter.filter(state, pod, *world.cache.find("n1"), reasons);
      return reasons.size() == 0 ? std::string() : std::string(*reasons.begin());
    };
    const auto first = make_pod_info(shared_pod("p", uses_c));
    const auto same_claim = make_pod_info(shared_pod("q", uses_c));
    const auto other_claim = make_pod_info(shared_pod("r", "{resourceClaims: [{name: r, resourceClaimName: d}]}"));
    CycleState mine, theirs;
    ASSERT_EQ(fits(mine, *first), "");
    ASSERT_TRUE(reserve.reserve(mine, *first, "n1").ok());
    EXPECT_EQ(fits(theirs, *same_claim), "resource claim default/c is in the process of being allocated");
    EXPECT_EQ(fits(theirs, *other_claim), "cannot allocate all claims");
    reserve.unreserve(mine, *first, "n1");
    EXPECT_EQ(world.tried_again, (std::vector<std::string>{"q", "r"}));
    EXPECT_EQ(fits(theirs, *other_claim), "");
  });
}

// --- extended resources ---

const char* const asks_gpu = "{containers: [{name: c, resources: {requests: {example.com/gpu: 1}}}]}";

TEST(DynamicResources, ExtendedResourcesOfDeviceClasses) {
  Scene scene = cluster().object<v1::DeviceClass>(
      "{metadata: {name: gpu}, spec: {extendedResourceName: example.com/gpu, selectors: [{cel: {expression: 'device.attributes[\"drv\"].size > "
      "1'}}]}}");
  EXPECT_EQ(scene.filter(plugin, pod_of("p", asks_gpu)), "n1; n2: !cannot allocate all claims");
  EXPECT_EQ(scene.filter("NodeResourcesFit", pod_of("p", asks_gpu)), "n1; n2") << "it leaves them to the devices";
  EXPECT_EQ(scene.filter(plugin, pod_of("p", "{containers: [{name: c, resources: {requests: {deviceclass.resource.kubernetes.io/gpu: 1}}}]}")),
            "n1; n2: !cannot allocate all claims");
  scene.node("n3 cpu=4 pods=10 resource=example.com/gpu=1");
  EXPECT_EQ(scene.filter(plugin, pod_of("p", asks_gpu)), "n1; n2: !cannot allocate all claims; n3") << "it has its own";
  EXPECT_EQ(cluster().filter(plugin, pod_of("p", asks_gpu)), "skip") << "no class stands for it";
  EXPECT_EQ(cluster().filter("NodeResourcesFit", pod_of("p", asks_gpu)), "n1: !Insufficient example.com/gpu; n2: !Insufficient example.com/gpu");
}

TEST(DynamicResources, AClaimForExtendedResourcesThatIsLeft) {
  Scene scene = cluster().object<v1::DeviceClass>("{metadata: {name: gpu}, spec: {extendedResourceName: example.com/gpu}}");
  scene.object<v1::ResourceClaim>(
      "{metadata: {namespace: default, name: p-extended-resources-x, uid: x, annotations: {resource.kubernetes.io/extended-resource-claim: 'true'}, "
      "ownerReferences: [{apiVersion: v1, kind: Pod, name: p, uid: p, controller: true}]}, spec: {devices: {requests: [{name: container-0-request-0, "
      "exactly: {deviceClassName: gpu, allocationMode: ExactCount, count: 1}}]}}}");
  EXPECT_EQ(scene.filter(plugin, pod_of("p", asks_gpu)),
            "n1: !cannot schedule extended resource claim; n2: !cannot schedule extended resource claim");
  std::vector<client::testing::FakeServer::Write> writes;
  EXPECT_EQ(post_filtered(scene, asks_gpu, writes), "deletion of ResourceClaim completed");
  ASSERT_EQ(writes.size(), 2u);
  EXPECT_EQ(writes[0].method, "PUT");
  EXPECT_EQ(writes[1].method, "DELETE");
}

TEST(DynamicResources, TheNewestClassStandsForAResource) {
  Scene scene = cluster();
  for (const char* yaml : {"{metadata: {name: a, creationTimestamp: 2026-01-01T00:00:00Z}, spec: {extendedResourceName: example.com/gpu}}",
                           "{metadata: {name: c, creationTimestamp: 2026-01-02T00:00:00Z}, spec: {extendedResourceName: example.com/gpu}}",
                           "{metadata: {name: b, creationTimestamp: 2026-01-02T00:00:00Z}, spec: {extendedResourceName: example.com/gpu}}"})
    scene.object<v1::DeviceClass>(yaml);
  scene.run(plugin, "", [&](Scene::World& world) {
    EXPECT_EQ(world.devices.class_of_resource("example.com/gpu")->metadata.name, "b");
    EXPECT_EQ(world.devices.class_of_resource("deviceclass.resource.kubernetes.io/a")->metadata.name, "a");
    EXPECT_EQ(world.devices.class_of_resource("example.com/none"), nullptr);
  });
}

// --- events ---

TEST(DynamicResources, EventsThatMatter) {
  const auto of = [](const std::string& yaml) { return std::make_shared<const v1::ResourceClaim>(from_yaml<v1::ResourceClaim>(yaml)); };
  const auto plain = of(claim("c", "any")), other = of(claim("other", "any")), other_allocated = of(claim("other", "any", allocated("big") + "}"));
  const auto c_allocated = of(claim("c", "any", allocated("big") + "}"));
  const auto queues = [&](std::shared_ptr<const v1::ResourceClaim> before, std::shared_ptr<const v1::ResourceClaim> after) {
    return cluster()
        .object<v1::ResourceClaim>(claim("c", "any"))
        .queues(plugin, pod_of("p", uses_c), EventResource::ResourceClaim, before ? action::update : action::add, before, after);
  };
  EXPECT_TRUE(queues(nullptr, plain));
  EXPECT_FALSE(queues(nullptr, other)) << "not its claim";
  EXPECT_TRUE(queues(other_allocated, other)) << "devices are free";
  EXPECT_FALSE(queues(other, other_allocated));
  EXPECT_TRUE(queues(plain, c_allocated));
  EXPECT_FALSE(queues(plain, plain)) << "its status is as it was";
  EXPECT_FALSE(cluster().queues(plugin, pod_of("p", uses_c), EventResource::ResourceClaim, action::add, decltype(plain)(), other))
      << "its own claim is not there yet";

  auto told = std::make_shared<Pod>(pod_of("p", from_template));
  told->status.resource_claim_statuses.push_back({"r", std::nullopt});
  const auto pod_queues = [&](PodPtr after) {
    return cluster().queues(plugin, pod_of("p", from_template), EventResource::Pod, action::update_pod_generated_resource_claim, PodPtr(), after);
  };
  EXPECT_TRUE(pod_queues(told));
  EXPECT_FALSE(pod_queues(shared_pod("p", from_template)));
  EXPECT_FALSE(pod_queues(shared_pod("q", uses_c)));
}

TEST(DynamicResources, Arguments) {
  EXPECT_EQ(Scene().refusal(plugin, R"({"filterTimeout": "10s", "bindingTimeout": "1m"})"), "");
  EXPECT_EQ(Scene().refusal(plugin, R"({"filterTimeout": "0s"})"), "");
  EXPECT_NE(Scene().refusal(plugin, R"({"bogus": 1})"), "");
  EXPECT_EQ(Scene().refusal(plugin, R"({"filterTimeout": "-1s"})"), "filterTimeout: Invalid value: \"-1s\": must be zero or positive");
  EXPECT_EQ(Scene().refusal(plugin, R"({"bindingTimeout": "10ms"})"), "bindingTimeout: Invalid value: \"10ms\": must be at least 1 second");
}

}  // namespace
}  // namespace pintle::scheduler::plugins

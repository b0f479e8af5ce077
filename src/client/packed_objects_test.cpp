#include "client/packed_objects.h"

#include <gtest/gtest.h>

#include "api/codec.h"
#include "api/gen/core_v1.h"
#include "client/object_store.h"

namespace pintle::client {
namespace {

using api::core_v1::Pod;

// As a Deployment's pods look to the controllers.
Pod pod_number(int i) {
  static constexpr const char* shape = R"({
    "metadata": {"generateName": "web-5d4f8c7b9-", "namespace": "shop", "creationTimestamp": "2026-01-02T03:04:05Z", "resourceVersion": "1000",
      "labels": {"app": "web", "pod-template-hash": "5d4f8c7b9"},
      "ownerReferences": [{"apiVersion": "apps/v1", "kind": "ReplicaSet", "name": "web-5d4f8c7b9", "uid": "5b1b2c8e-0000-4a3b-9d7e-0123456789ab",
        "controller": true, "blockOwnerDeletion": true}]},
    "spec": {"containers": [{"name": "web", "image": "registry.example/web:1.2.3", "ports": [{"containerPort": 80, "protocol": "TCP"}],
        "resources": {"requests": {"cpu": "100m", "memory": "64Mi"}}, "imagePullPolicy": "IfNotPresent"}],
      "volumes": [{"name": "kube-api-access-abcde", "projected": {"sources": [{"serviceAccountToken": {"expirationSeconds": 3607, "path": "token"}},
        {"configMap": {"name": "kube-root-ca.crt", "items": [{"key": "ca.crt", "path": "ca.crt"}]}}], "defaultMode": 420}}],
      "restartPolicy": "Always", "terminationGracePeriodSeconds": 30, "dnsPolicy": "ClusterFirst", "serviceAccountName": "default",
      "schedulerName": "default-scheduler", "priority": 0, "enableServiceLinks": true, "preemptionPolicy": "PreemptLowerPriority",
      "tolerations": [{"key": "node.kubernetes.io/not-ready", "operator": "Exists", "effect": "NoExecute", "tolerationSeconds": 300},
        {"key": "node.kubernetes.io/unreachable", "operator": "Exists", "effect": "NoExecute", "tolerationSeconds": 300}]},
    "status": {"phase": "Running", "qosClass": "Burstable", "startTime": "2026-01-02T03:04:06Z", "conditions": [
        {"type": "PodReadyToStartContainers", "status": "True", "lastTransitionTime": "2026-01-02T03:04:07Z"},
        {"type": "Initialized", "status": "True", "lastTransitionTime": "2026-01-02T03:04:06Z"},
        {"type": "Ready", "status": "True", "lastTransitionTime": "2026-01-02T03:04:08Z"},
        {"type": "ContainersReady", "status": "True", "lastTransitionTime": "2026-01-02T03:04:08Z"},
        {"type": "PodScheduled", "status": "True", "lastTransitionTime": "2026-01-02T03:04:06Z"}],
      "containerStatuses": [{"name": "web", "ready": true, "started": true, "restartCount": 0, "image": "registry.example/web:1.2.3",
        "imageID": "sha256:0d1f5c3a", "state": {"running": {"startedAt": "2026-01-02T03:04:08Z"}}}]}})";
  Pod pod;
  EXPECT_TRUE(api::decode_json(shape, api::type_of<Pod>(), &pod).has_value());
  const std::string digits = std::to_string(1000000007LL * (i + 1));
  pod.metadata.name = "web-5d4f8c7b9-" + digits.substr(0, 5);
  pod.metadata.uid = digits.substr(0, 8) + "-" + digits.substr(1, 4) + "-4abc-9def-" + digits.substr(0, 10);
  pod.metadata.resource_version = std::to_string(1000 + i);
  pod.spec.node_name = "node-" + std::to_string(i % 100);
  pod.status.pod_ip = "10.42." + std::to_string(i / 250) + "." + std::to_string(i % 250);
  pod.status.container_statuses[0].container_id = "containerd://" + digits + digits + digits;
  return pod;
}

bool same(const Pod& a, const void* b) { return api::equal(api::type_of<Pod>(), &a, b); }

TEST(Packer, GivesBackWhatItWasGiven) {
  Packer packer(api::type_of<Pod>());
  std::vector<PackedObject> packed;
  for (int i = 0; i < 600; ++i) {
    const Pod pod = pod_number(i);
    packed.push_back(packer.pack(&pod));
  }
  EXPECT_GT(packer.dictionaries(), 1u);
  for (int i = 0; i < 600; ++i) EXPECT_TRUE(same(pod_number(i), packer.unpack(packed[static_cast<std::size_t>(i)]).data())) << i;
  EXPECT_LT(packer.packed_bytes() / 600, 300u);
  for (PackedObject& one : packed) packer.drop(one);
  EXPECT_EQ(packer.packed_bytes(), 0u);
  EXPECT_EQ(packer.dictionaries(), 1u);  // that of the next objects
}

TEST(Packer, TakesAHugeObject) {
  Packer packer(api::type_of<Pod>());
  Pod huge = pod_number(1);
  huge.metadata.annotations["big"] = std::string(900000, 'x') + "end";
  std::vector<PackedObject> packed;
  for (int i = 0; i < 40; ++i) packed.push_back(packer.pack(&huge));
  EXPECT_TRUE(same(huge, packer.unpack(packed.back()).data()));
  for (PackedObject& one : packed) packer.drop(one);
}

std::vector<std::string> nodes_of(const void* object) { return {static_cast<const Pod*>(object)->spec.node_name}; }

// Whatever is asked in whatever order: a store that packs says what one says that does not.
TEST(ObjectStorePacked, SaysTheSameAsOneThatKeepsAllDecoded) {
  ObjectStore plain(api::type_of<Pod>()), packs(api::type_of<Pod>(), 8);
  plain.add_index("node", nodes_of);
  packs.add_index("node", nodes_of);
  uint64_t random = 1;
  const auto below = [&](uint64_t n) {
    random = random * 6364136223846793005ULL + 1442695040888963407ULL;
    return static_cast<int>((random >> 33) % n);
  };
  const auto compare = [&](const std::vector<AnyPtr>& a, const std::vector<AnyPtr>& b) {
    ASSERT_EQ(a.size(), b.size());
    for (std::size_t i = 0; i < a.size(); ++i) ASSERT_TRUE(same(*static_cast<const Pod*>(a[i].get()), b[i].get()));
  };
  for (int step = 0; step < 6000; ++step) {
    const std::string key = "shop/" + std::to_string(below(150));
    switch (below(6)) {
      case 0:
      case 1: {
        const auto pod = std::make_shared<const Pod>(pod_number(below(400)));
        const AnyPtr before = plain.put(key, pod), old = packs.put(key, pod);
        ASSERT_EQ(before == nullptr, old == nullptr);
        if (old) {
          ASSERT_TRUE(same(*static_cast<const Pod*>(before.get()), old.get()));
        }
        break;
      }
      case 2: {
        const AnyPtr before = plain.erase(key), old = packs.erase(key);
        ASSERT_EQ(before == nullptr, old == nullptr);
        break;
      }
      case 3: {
        const AnyPtr before = plain.find(key), now = packs.find(key);
        ASSERT_EQ(before == nullptr, now == nullptr);
        if (now) {
          ASSERT_TRUE(same(*static_cast<const Pod*>(before.get()), now.get()));
          ASSERT_EQ(packs.find(key), now);  // decoded once
        }
        break;
      }
      case 4: {
        const std::string node = "node-" + std::to_string(below(100));
        compare(plain.by_index("node", node), packs.by_index("node", node));
        ASSERT_EQ(plain.count_by_index("node", node), packs.count_by_index("node", node));
        break;
      }
      default:
        if (below(50) == 0) compare(plain.in_namespace("shop"), packs.in_namespace("shop"));
    }
    ASSERT_EQ(plain.size(), packs.size());
    ASSERT_LE(packs.decoded(), 8u * 8u);
  }
  std::size_t seen = 0;
  packs.for_each([&](const std::string& key, const AnyPtr& object) {
    ++seen;
    EXPECT_TRUE(same(*static_cast<const Pod*>(plain.find(key).get()), object.get()));
  });
  EXPECT_EQ(seen, packs.size());
}

// Once many are no longer asked for together, few stay decoded again.
TEST(ObjectStorePacked, KeepsMoreWhileManyAreAskedForTogether) {
  ObjectStore store(api::type_of<Pod>(), 16);
  store.add_index("node", nodes_of);
  for (int i = 0; i < 400; ++i) {
    auto pod = pod_number(i);
    pod.spec.node_name = i < 50 ? "big" : "small";
    store.put("shop/" + std::to_string(i), std::make_shared<const Pod>(std::move(pod)));
  }
  EXPECT_LE(store.decoded(), 16u);
  EXPECT_EQ(store.by_index("node", "big").size(), 50u);
  EXPECT_EQ(store.by_index("node", "big").size(), 50u);
  EXPECT_GE(store.decoded(), 50u);
  for (int round = 0; round < 4; ++round)
    for (int i = 50; i < 400; ++i) EXPECT_NE(store.find("shop/" + std::to_string(i)), nullptr);
  EXPECT_LE(store.decoded(), 16u);
}

}  // namespace
}  // namespace pintle::client

#include <gtest/gtest.h>

#include "scheduler/plugins/volumes/claims.h"
#include "scheduler/testing/scene.h"

namespace pintle::scheduler::plugins {
namespace {

using namespace testing;
using api::storage_v1::CSINode;

std::string using_claims(const std::vector<std::string>& names) {
  std::string out;
  for (const std::string& name : names) out += (out.empty() ? "" : ", ") + ("{name: " + name + ", persistentVolumeClaim: {claimName: " + name + "}}");
  return "{volumes: [" + out + "]}";
}
// Claims a, b, c are bound to volumes of driver x with handles h-a, h-b, h-c; d waits for a class of driver x. Node n may have `count`.
Scene scene(int count) {
  Scene out = Scene().node("n").node("free");
  for (const std::string name : {"a", "b", "c"})
    out.object<PersistentVolumeClaim>("{metadata: {name: " + name + ", namespace: default}, spec: {volumeName: v-" + name + "}}")
        .object<PersistentVolume>("{metadata: {name: v-" + name + "}, spec: {csi: {driver: x, volumeHandle: h-" + name + "}}}");
  return out.object<PersistentVolumeClaim>("{metadata: {name: d, namespace: default}, spec: {storageClassName: slow}}")
      .object<StorageClass>("{metadata: {name: slow}, provisioner: x}")
      .object<CSINode>("{metadata: {name: 'n'}, spec: {drivers: [{name: x, nodeID: i, allocatable: {count: " + std::to_string(count) + "}}]}}");
}
void check(const Scene& in, const std::vector<std::string>& claims, bool fits) {
  EXPECT_EQ(in.filter("NodeVolumeLimits", pod_of("p", using_claims(claims))), fits ? "n; free" : "n: node(s) exceed max volume count; free");
}

TEST(NodeVolumeLimits, AsManyAsTheDriverSays) {
  EXPECT_EQ(scene(1).filter("NodeVolumeLimits", pod_of("p")), "skip");
  check(scene(1), {"a"}, true);
  check(scene(1), {"a", "b"}, false);
  check(scene(2).pod("u @n", using_claims({"a"})), {"b"}, true);
  check(scene(2).pod("u @n", using_claims({"a", "b"})), {"c"}, false);
}

TEST(NodeVolumeLimits, AVolumeIsAttachedOnce) {
  check(scene(2).pod("u @n", using_claims({"a", "b"})), {"a"}, true);
  check(scene(2).pod("u @n", using_claims({"a"})).pod("w @n", using_claims({"a"})), {"b"}, true);
}

TEST(NodeVolumeLimits, ClaimsThatWaitForTheirVolume) {
  check(scene(1), {"d"}, true);
  check(scene(1).pod("u @n", using_claims({"a"})), {"d"}, false);
}

TEST(NodeVolumeLimits, DriversThatSayNothing) {
  const Scene in = Scene()
                       .node("n")
                       .object<PersistentVolumeClaim>("{metadata: {name: a, namespace: default}, spec: {volumeName: v-a}}")
                       .object<PersistentVolume>("{metadata: {name: v-a}, spec: {csi: {driver: x, volumeHandle: h}}}")
                       .object<CSINode>("{metadata: {name: 'n'}, spec: {drivers: [{name: x, nodeID: i}]}}");
  EXPECT_EQ(in.filter("NodeVolumeLimits", pod_of("p", using_claims({"a"}))), "n");
}

}  // namespace
}  // namespace pintle::scheduler::plugins

#include <gtest/gtest.h>

#include "scheduler/plugins/volumes/claims.h"
#include "scheduler/testing/scene.h"

namespace pintle::scheduler::plugins {
namespace {

using namespace testing;

const std::string zone = "topology.kubernetes.io/zone", region = "topology.kubernetes.io/region", old_zone = "failure-domain.beta.kubernetes.io/zone";

// Nodes a and b in those zones of region r, old under the label's former name, and bare without any. Claim c is bound to volume v with
// these labels.
Scene scene(const std::string& labels) {
  return Scene()
      .node("a " + zone + "=a " + region + "=r")
      .node("b " + zone + "=b " + region + "=r")
      .node("old " + old_zone + "=a")
      .node("bare")
      .object<PersistentVolumeClaim>("{metadata: {name: c, namespace: default}, spec: {volumeName: v}}")
      .object<PersistentVolume>("{metadata: {name: v, labels: {" + labels + "}}}");
}
std::string told(const Scene& in, const std::string& claim = "c") {
  return in.filter("VolumeZone", pod_of("p", "{volumes: [{name: v, persistentVolumeClaim: {claimName: " + claim + "}}]}"));
}
const std::string far = "!node(s) had no available volume zone";

TEST(VolumeZone, WhereTheVolumeIs) {
  EXPECT_EQ(told(scene("")), "skip");
  EXPECT_EQ(told(scene(zone + ": a")), "a; b: " + far + "; old; bare");
  EXPECT_EQ(told(scene(old_zone + ": a")), "a; b: " + far + "; old; bare");
  EXPECT_EQ(told(scene(zone + ": a__b")), "a; b; old; bare");  // a set of zones
  EXPECT_EQ(told(scene(zone + ": c")), "a: " + far + "; b: " + far + "; old: " + far + "; bare");
  EXPECT_EQ(told(scene(region + ": r")), "a; b; old: " + far + "; bare");
  EXPECT_EQ(told(scene(zone + ": a, " + region + ": s")), "a: " + far + "; b: " + far + "; old: " + far + "; bare");
  EXPECT_EQ(scene(zone + ": a").filter("VolumeZone", pod_of("p")), "skip");
}

TEST(VolumeZone, ClaimsWithoutAVolume) {
  const auto with = [](const std::string& spec) {
    return Scene()
        .node("n")
        .object<PersistentVolumeClaim>("{metadata: {name: c, namespace: default}, spec: {" + spec + "}}")
        .object<StorageClass>("{metadata: {name: later}, provisioner: x, volumeBindingMode: WaitForFirstConsumer}")
        .object<StorageClass>("{metadata: {name: soon}, provisioner: x, volumeBindingMode: Immediate}");
  };
  EXPECT_EQ(told(with("storageClassName: later")), "skip");  // it is made where the pod goes
  EXPECT_EQ(told(with("storageClassName: soon")), "pod: PersistentVolume had no name");
  EXPECT_EQ(told(with("")), "pod: PersistentVolumeClaim had no pv name and storageClass name");
  EXPECT_EQ(told(with("volumeName: none")), "pod: persistentvolume \"none\" not found");
  EXPECT_EQ(told(with(""), "other"), "pod: persistentvolumeclaim \"other\" not found");
}

}  // namespace
}  // namespace pintle::scheduler::plugins

#include <gtest/gtest.h>

#include "scheduler/plugins/volumes/claims.h"
#include "scheduler/testing/scene.h"

namespace pintle::scheduler::plugins {
namespace {

using namespace testing;

std::string volume(const std::string& source) { return "{volumes: [{name: v, " + source + "}]}"; }
void check_disks(const std::string& there, const std::string& wanted, bool fits) {
  EXPECT_EQ(Scene().node("n").node("m").pod("u @n", volume(there)).filter("VolumeRestrictions", pod_of("p", volume(wanted))),
            fits ? "n; m" : "n: node(s) had no available disk; m")
      << there << " | " << wanted;
}

TEST(VolumeRestrictions, DisksThatOneNodeAttachesOnce) {
  check_disks("gcePersistentDisk: {pdName: d}", "gcePersistentDisk: {pdName: e}", true);
  check_disks("gcePersistentDisk: {pdName: d}", "gcePersistentDisk: {pdName: d}", false);
  check_disks("gcePersistentDisk: {pdName: d, readOnly: true}", "gcePersistentDisk: {pdName: d}", false);
  check_disks("gcePersistentDisk: {pdName: d, readOnly: true}", "gcePersistentDisk: {pdName: d, readOnly: true}", true);
  check_disks("awsElasticBlockStore: {volumeID: d}", "awsElasticBlockStore: {volumeID: d}", false);
  check_disks("awsElasticBlockStore: {volumeID: d, readOnly: true}", "awsElasticBlockStore: {volumeID: d, readOnly: true}", false);
  check_disks("awsElasticBlockStore: {volumeID: d}", "awsElasticBlockStore: {volumeID: e}", true);
  check_disks("iscsi: {iqn: q, targetPortal: a, lun: 0}", "iscsi: {iqn: q, targetPortal: b, lun: 0}", false);
  check_disks("iscsi: {iqn: q, targetPortal: a, lun: 0, readOnly: true}", "iscsi: {iqn: q, targetPortal: b, lun: 0, readOnly: true}", true);
  check_disks("rbd: {monitors: [a, b], pool: p, image: i}", "rbd: {monitors: [b, c], pool: p, image: i}", false);
  check_disks("rbd: {monitors: [a], pool: p, image: i}", "rbd: {monitors: [b], pool: p, image: i}", true);
  check_disks("rbd: {monitors: [a], pool: p, image: i}", "rbd: {monitors: [a], pool: q, image: i}", true);
  check_disks("awsElasticBlockStore: {volumeID: d}", "gcePersistentDisk: {pdName: d}", true);
}

Scene scene() {
  return Scene()
      .node("n")
      .node("m")
      .object<PersistentVolumeClaim>("{metadata: {name: alone, namespace: default}, spec: {accessModes: [ReadWriteOncePod]}}")
      .object<PersistentVolumeClaim>("{metadata: {name: shared, namespace: default}, spec: {accessModes: [ReadWriteOnce]}}");
}
std::string claim(const std::string& name) { return volume("persistentVolumeClaim: {claimName: " + name + "}"); }

TEST(VolumeRestrictions, ClaimsOfOnePod) {
  const std::string busy = "node(s) unavailable due to PersistentVolumeClaim with ReadWriteOncePod access mode already in-use by another pod";
  const auto told = [](const Scene& in, const std::string& name) { return in.filter("VolumeRestrictions", pod_of("p", claim(name))); };
  EXPECT_EQ(told(scene(), "alone"), "skip");
  EXPECT_EQ(told(scene().pod("u @n", claim("alone")), "alone"), "n: " + busy + "; m: " + busy);  // on whatever node
  EXPECT_EQ(told(scene().pod("u @n", claim("shared")), "shared"), "skip");
  EXPECT_EQ(told(scene().pod("u @n ns=other", claim("alone")), "alone"), "skip");
  EXPECT_EQ(told(scene(), "none"), "pod: persistentvolumeclaim \"none\" not found");
  EXPECT_EQ(scene().filter("VolumeRestrictions", pod_of("p")), "skip");
}

}  // namespace
}  // namespace pintle::scheduler::plugins

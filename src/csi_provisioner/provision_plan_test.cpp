#include "csi_provisioner/provision_plan.h"

#include <gtest/gtest.h>

#include "api/testing/from_yaml.h"

namespace pintle::csi_provisioner {
namespace {

using api::core_v1::PersistentVolume;
using api::core_v1::PersistentVolumeClaim;
using api::storage_v1::StorageClass;
using api::testing::from_yaml;

const Place here{"local.example", "n1", "topology.local.example/node"};

PersistentVolumeClaim claim_of(std::string_view annotations = "", std::string_view spec = "") {
  return from_yaml<PersistentVolumeClaim>(
      "{metadata: {name: data, namespace: shop, uid: u1, resourceVersion: '7', annotations: {" + std::string(annotations) +
      "}}, spec: {accessModes: [ReadWriteOnce], storageClassName: local, resources: {requests: {storage: 1Gi}}" + std::string(spec) + "}}");
}
StorageClass class_of(std::string_view more = "") {
  return from_yaml<StorageClass>("{metadata: {name: local}, provisioner: local.example, volumeBindingMode: WaitForFirstConsumer" + std::string(more) +
                                 "}");
}

constexpr std::string_view asked = "volume.kubernetes.io/storage-provisioner: local.example";

TEST(Provisioning, WhichClaims) {
  EXPECT_FALSE(is_asked_for(claim_of(), "local.example"));
  EXPECT_TRUE(is_asked_for(claim_of(asked), "local.example"));
  EXPECT_FALSE(is_asked_for(claim_of(asked), "other.example"));
  EXPECT_TRUE(is_asked_for(claim_of("volume.beta.kubernetes.io/storage-provisioner: local.example"), "local.example"));
  EXPECT_FALSE(is_asked_for(claim_of(asked, ", volumeName: pv"), "local.example")) << "it has one";
  EXPECT_EQ(chosen_node(claim_of(asked)), nullptr);
  const auto chosen = claim_of("volume.kubernetes.io/selected-node: n1");
  EXPECT_EQ(*chosen_node(chosen), "n1");
}

TEST(Provisioning, WhatCannotBeMade) {
  EXPECT_TRUE(check_claim(claim_of()));
  EXPECT_FALSE(check_claim(claim_of("", ", selector: {matchLabels: {a: b}}")));
  EXPECT_FALSE(check_claim(claim_of("", ", dataSource: {apiGroup: snapshot.storage.k8s.io, kind: VolumeSnapshot, name: s}")));
  EXPECT_TRUE(check_claim(claim_of("", ", dataSource: {kind: PersistentVolumeClaim, name: s}")));
}

// Where nobody waits for a pod.
TEST(Provisioning, TheRoomiestNode) {
  const auto immediate = from_yaml<StorageClass>("{metadata: {name: local}, provisioner: local.example}");
  EXPECT_TRUE(is_immediate(immediate));
  EXPECT_FALSE(is_immediate(class_of()));
  const int64_t gi = 1 << 30;
  const auto chosen = [&](const StorageClass& by, const std::vector<Room>& rooms) { return roomiest_node(claim_of(), by, here.topology_key, rooms); };
  EXPECT_EQ(chosen(immediate, {}), "");
  EXPECT_EQ(chosen(immediate, {{"n1", gi, gi}, {"n2", 3 * gi, gi}, {"n3", 2 * gi, gi}}), "n2");
  EXPECT_EQ(chosen(immediate, {{"n2", gi, gi}, {"n1", gi, gi}}), "n1");
  EXPECT_EQ(chosen(immediate, {{"n1", gi - 1, gi}, {"n2", gi, gi - 1}}), "") << "too small, or for smaller volumes";
  const auto allowed = [](std::string_view terms) {
    return from_yaml<StorageClass>("{metadata: {name: local}, provisioner: local.example, allowedTopologies: " + std::string(terms) + "}");
  };
  const std::vector<Room> rooms = {{"n1", gi, gi}, {"n2", 2 * gi, gi}};
  EXPECT_EQ(chosen(allowed("[{matchLabelExpressions: [{key: topology.local.example/node, values: [n1]}]}]"), rooms), "n1");
  EXPECT_EQ(chosen(allowed("[{matchLabelExpressions: [{key: topology.local.example/node, values: [n3]}]}]"), rooms), "");
  EXPECT_EQ(chosen(allowed("[{matchLabelExpressions: [{key: zone, values: [n1]}]}]"), rooms), "");
  EXPECT_EQ(choice_patch(claim_of(), "n1"), R"({"metadata":{"annotations":{"volume.kubernetes.io/selected-node":"n1"},"resourceVersion":"7"}})");
}

TEST(Provisioning, WhatTheDriverIsAsked) {
  const auto request =
      create_request(claim_of(), class_of(", mountOptions: [noatime], parameters: {backing: image, csi.storage.k8s.io/fstype: xfs}"), here, "v-0");
  EXPECT_EQ(request.name, "pvc-u1");
  EXPECT_EQ(request.capacity_range->required_bytes, 1 << 30);
  EXPECT_EQ(request.parameters, (FlatMap<std::string>{{"backing", "image"}})) << "the provisioner's own are not the driver's";
  ASSERT_EQ(request.volume_capabilities.size(), 1U);
  EXPECT_EQ(request.volume_capabilities[0].access_mode->mode, 7);
  EXPECT_EQ(request.volume_capabilities[0].mount->fs_type, "xfs");
  EXPECT_EQ(request.volume_capabilities[0].mount->mount_flags, std::vector<std::string>{"noatime"});
  EXPECT_EQ(request.accessibility_requirements->requisite.at(0).segments, (FlatMap<std::string>{{"topology.local.example/node", "n1"}}));
  EXPECT_EQ(request.volume_content_source->volume->volume_id, "v-0");
  EXPECT_TRUE(create_request(claim_of("", ", volumeMode: Block"), class_of(), here, "").volume_capabilities.at(0).block);
}

TEST(Provisioning, ThePersistentVolume) {
  api::csi_v1::Volume made;
  made.volume_id = "v-1";
  made.capacity_bytes = 1 << 30;
  made.volume_context["path"] = "p";
  const auto volume = persistent_volume(claim_of(), class_of(", reclaimPolicy: Retain, mountOptions: [noatime]"), made, here);
  EXPECT_EQ(volume.metadata.name, "pvc-u1");
  EXPECT_EQ(volume.spec.claim_ref->uid, "u1");
  EXPECT_EQ(volume.spec.capacity.get("storage")->text(), "1Gi");
  EXPECT_EQ(volume.spec.csi->fs_type, "ext4");
  EXPECT_EQ(volume.spec.persistent_volume_reclaim_policy, "Retain");
  EXPECT_TRUE(is_of_place(volume, here));
  EXPECT_EQ(node_of(volume, here.driver, here.topology_key), "n1");
  EXPECT_EQ(node_of(volume, here.driver, "another/node"), std::nullopt);
  EXPECT_FALSE(is_of_place(volume, {here.driver, "n2", here.topology_key}));
  EXPECT_FALSE(is_of_place(volume, {"other.example", here.node, here.topology_key}));
  made.capacity_bytes = (1 << 30) + (4 << 20);
  EXPECT_EQ(persistent_volume(claim_of(), class_of(), made, here).spec.capacity.get("storage")->text(), "1028Mi");
}

// Under Retain never; under Delete once its claim is gone.
TEST(Provisioning, WhatIsDeleted) {
  const auto deleted = [](std::string_view policy, std::string_view phase, std::string_view metadata = "") {
    return is_to_be_deleted(from_yaml<PersistentVolume>("{metadata: {name: pv" + std::string(metadata) + "}, spec: {persistentVolumeReclaimPolicy: " +
                                                        std::string(policy) + "}, status: {phase: " + std::string(phase) + "}}"));
  };
  EXPECT_TRUE(deleted("Delete", "Released"));
  EXPECT_FALSE(deleted("Retain", "Released"));
  EXPECT_FALSE(deleted("Delete", "Bound"));
  EXPECT_FALSE(deleted("Delete", "Available"));
  EXPECT_TRUE(deleted("Delete", "Released", ", deletionTimestamp: '2026-01-01T00:00:00Z'"));
}

// A policy that was changed to Retain: whoever deletes the object then waits for nobody.
TEST(Provisioning, WhatIsLetGo) {
  const auto let_go = [](std::string_view policy, std::string_view finalizer) {
    return is_to_be_let_go(from_yaml<PersistentVolume>("{metadata: {name: pv, finalizers: [kubernetes.io/pv-protection, " + std::string(finalizer) +
                                                       "]}, spec: {persistentVolumeReclaimPolicy: " + std::string(policy) + "}}"));
  };
  EXPECT_TRUE(let_go("Retain", volume_finalizer));
  EXPECT_FALSE(let_go("Delete", volume_finalizer));
  EXPECT_FALSE(let_go("Retain", "somebody.else/s"));
}

TEST(Provisioning, Growth) {
  const auto bound = [](std::string_view wanted) {
    return from_yaml<PersistentVolumeClaim>("{metadata: {resourceVersion: '7'}, spec: {volumeName: pv, resources: {requests: {storage: " +
                                            std::string(wanted) + "}}}, status: {phase: Bound}}");
  };
  const auto volume = from_yaml<PersistentVolume>("{spec: {capacity: {storage: 1Gi}}}");
  EXPECT_FALSE(wanted_growth(bound("1Gi"), volume));
  EXPECT_EQ(wanted_growth(bound("2Gi"), volume)->text(), "2Gi");
  EXPECT_FALSE(wanted_growth(claim_of(), volume)) << "it is not bound";
  EXPECT_EQ(
      resizing_patch(bound("2Gi"), *api::Quantity::parse("2Gi"), "2026-01-01T00:00:00Z"),
      R"({"metadata":{"resourceVersion":"7"},"status":{"allocatedResourceStatuses":{"storage":"ControllerResizeInProgress"},)"
      R"("allocatedResources":{"storage":"2Gi"},"conditions":[{"lastTransitionTime":"2026-01-01T00:00:00Z","status":"True","type":"Resizing"}]}})");
}

TEST(Provisioning, WhichNodes) {
  const auto node = from_yaml<api::storage_v1::CSINode>("{spec: {drivers: [{name: other.example, nodeID: n1}, {name: local.example, nodeID: n1}]}}");
  EXPECT_TRUE(has_driver(node, "local.example"));
  EXPECT_FALSE(has_driver(node, "local"));
}

TEST(Provisioning, Capacity) {
  api::csi_v1::GetCapacityResponse answer;
  answer.available_capacity = int64_t(3) << 30;
  const auto said = storage_capacity(class_of(), here, answer);
  EXPECT_EQ(said.capacity->text(), "3Gi");
  EXPECT_EQ(said.node_topology->match_labels, (FlatMap<std::string>{{"topology.local.example/node", "n1"}}));
  EXPECT_EQ(said.storage_class_name, "local");
  EXPECT_EQ(said.metadata.name, storage_capacity(class_of(), here, {}).metadata.name) << "always of that name";
  EXPECT_NE(said.metadata.name, storage_capacity(class_of(), {here.driver, "n2", here.topology_key}, {}).metadata.name);
}

}  // namespace
}  // namespace pintle::csi_provisioner

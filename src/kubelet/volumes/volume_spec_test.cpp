#include "kubelet/volumes/volume_spec.h"

#include <gtest/gtest.h>

#include <functional>

#include "kubelet/volumes/testing.h"

namespace pintle::kubelet::volumes {
namespace {

namespace core = api::core_v1;

// A pod with a volume `v`, mounted, whose claim is bound to a local PersistentVolume.
struct Bound {
  Bound() {
    pod.metadata.name = "web";
    pod.metadata.namespace_ = "shop";
    pod.metadata.uid = "pod-1";
    pod.spec.containers.emplace_back().volume_mounts.emplace_back().name = "v";
    core::Volume& volume = pod.spec.volumes.emplace_back();
    volume.name = "v";
    volume.persistent_volume_claim.ensure().claim_name = "data";
    testing::bind_to_local(claim, persistent, "/disk");
    persistent.spec.volume_mode = "Filesystem";
  }
  // The claim is the one that is made for a generic ephemeral volume.
  void make_ephemeral(const std::string& owner_uid, bool controls) {
    pod.spec.volumes[0].persistent_volume_claim = nullptr;
    pod.spec.volumes[0].ephemeral.ensure();
    claim.metadata.name = "web-v";
    auto& owner = claim.metadata.owner_references.emplace_back();
    owner.uid = owner_uid;
    owner.controller = controls;
  }
  void be_mapped() {
    pod.spec.containers[0].volume_mounts.clear();
    pod.spec.containers[0].volume_devices.emplace_back().name = "v";
  }

  core::Pod pod;
  core::PersistentVolumeClaim claim;
  core::PersistentVolume persistent;
};

Result<VolumeSpec> resolve_all(const Bound& b) {
  const auto pod = std::make_shared<const core::Pod>(b.pod);
  const core::Volume& entry = pod->spec.volumes[0];
  TRY_ASSIGN(const std::string name, volume_of_claim(*pod, entry, b.claim));
  EXPECT_EQ(name, "pv");
  return resolve_claim(pod, entry, b.claim, std::make_shared<const core::PersistentVolume>(b.persistent));
}

void check_refused(const std::string& message, const std::function<void(Bound&)>& change) {
  Bound bound;
  change(bound);
  const auto spec = resolve_all(bound);
  ASSERT_FALSE(spec) << message;
  EXPECT_EQ(spec.error().message, message);
  EXPECT_NE(spec.error().reason, Reason::Forbidden) << "is what a node may not read yet";
}

VolumeSpec allowed(const std::function<void(Bound&)>& change) {
  Bound bound;
  change(bound);
  auto spec = resolve_all(bound);
  EXPECT_TRUE(spec) << spec.error().message;
  return spec.value_or(VolumeSpec());
}

const api::Time some_time = api::time_from_unix(1'700'000'000, 0);

TEST(VolumeSpecs, ClaimsThatAreNotThePodsToUse) {
  check_refused("error processing PVC shop/data: PVC is not bound", [](Bound& b) { b.claim.status.phase = "Pending"; });
  check_refused("error processing PVC shop/data: PVC is not bound", [](Bound& b) { b.claim.status.phase = "Lost"; });
  check_refused("error processing PVC shop/data: PVC has empty pvc.Spec.VolumeName", [](Bound& b) { b.claim.spec.volume_name.clear(); });
  check_refused("error processing PVC shop/data: PVC is being deleted", [](Bound& b) {
    b.claim.metadata.deletion_timestamp = some_time;
    b.claim.metadata.finalizers = {"example.com/other"};
  });
  check_refused("PVC shop/web-v was not created for pod shop/web (pod is not owner)", [](Bound& b) { b.make_ephemeral("pod-2", true); });
  check_refused("PVC shop/web-v was not created for pod shop/web (pod is not owner)", [](Bound& b) { b.make_ephemeral("pod-1", false); });
  check_refused("error processing PVC shop/web-v: PVC is not bound", [](Bound& b) {
    b.make_ephemeral("pod-2", true);
    b.claim.status.phase = "Pending";
  });
}

TEST(VolumeSpecs, VolumesThatAreNotTheClaims) {
  check_refused("error processing PVC shop/data: found PV object pv but it has a nil pv.Spec.ClaimRef indicating it is not yet bound to the claim",
                [](Bound& b) { b.persistent.spec.claim_ref = nullptr; });
  check_refused("error processing PVC shop/data: found PV object pv but its pv.Spec.ClaimRef.UID claim-0 does not point to claim.UID claim-1",
                [](Bound& b) { b.persistent.spec.claim_ref->uid = "claim-0"; });
}

TEST(VolumeSpecs, ModesThatDoNotFit) {
  check_refused("volume v has volumeMode Block, but is specified in volumeMounts", [](Bound& b) { b.persistent.spec.volume_mode = "Block"; });
  check_refused("volume v has volumeMode Block, but is specified in volumeMounts", [](Bound& b) {
    b.persistent.spec.volume_mode = "Block";
    b.be_mapped();
    b.pod.spec.init_containers.emplace_back().volume_mounts.emplace_back().name = "v";
  });
  check_refused("volume v has volumeMode Filesystem, but is specified in volumeDevices", [](Bound& b) { b.be_mapped(); });
  check_refused("volume v has volumeMode Filesystem, but is specified in volumeDevices",
                [](Bound& b) { b.pod.spec.ephemeral_containers.emplace_back().volume_devices.emplace_back().name = "v"; });
  EXPECT_TRUE(allowed([](Bound& b) {
                b.persistent.spec.volume_mode = "Block";
                b.be_mapped();
              }).block);
}

TEST(VolumeSpecs, OfClaims) {
  const VolumeSpec plain = allowed([](Bound&) {});
  EXPECT_EQ(plain.name(), "pv");
  EXPECT_EQ(plain.entry->name, "v");
  EXPECT_EQ(plain.kind, VolumeKind::Local);
  EXPECT_FALSE(plain.block || plain.read_only || plain.fs_group || plain.owned_on_root_mismatch);
  EXPECT_TRUE(plain.mount_options.empty());

  const VolumeSpec all = allowed([](Bound& b) {
    b.pod.spec.volumes[0].persistent_volume_claim->read_only = true;
    b.pod.spec.security_context.ensure().fs_group = 7;
    b.pod.spec.security_context->fs_group_change_policy = "OnRootMismatch";
    b.persistent.spec.mount_options = {"noexec", "hard", "", "hard"};
    b.persistent.spec.local = nullptr;
    b.persistent.spec.host_path.ensure().path = "/srv";
  });
  EXPECT_EQ(all.kind, VolumeKind::HostPath);
  EXPECT_EQ(all.host_path().path, "/srv");
  EXPECT_TRUE(all.read_only && all.owned_on_root_mismatch);
  EXPECT_EQ(all.fs_group, 7u);
  EXPECT_EQ(all.mount_options, (std::vector<std::string>{"hard", "noexec"}));

  const VolumeSpec annotated = allowed([](Bound& b) {
    b.persistent.spec.mount_options = {"hard"};
    b.persistent.metadata.annotations["volume.beta.kubernetes.io/mount-options"] = "soft,nodev";
  });
  EXPECT_EQ(annotated.mount_options, (std::vector<std::string>{"nodev", "soft"}));

  // Deleted while a pod uses it: it is there until the pod is gone.
  EXPECT_EQ(allowed([](Bound& b) {
              b.claim.metadata.deletion_timestamp = some_time;
              b.claim.metadata.finalizers = {"kubernetes.io/pvc-protection"};
            }).name(),
            "pv");
  EXPECT_EQ(allowed([](Bound& b) { b.make_ephemeral("pod-1", true); }).name(), "pv");
  EXPECT_EQ(allowed([](Bound& b) {
              b.persistent.spec.local = nullptr;
              b.persistent.spec.csi.ensure().driver = "disk.example.com";
            }).kind,
            VolumeKind::Csi);
}

TEST(VolumeSpecs, AnyContainerUsesThem) {
  core::PodSpec spec;
  EXPECT_TRUE(used_volumes(spec).empty());
  spec.init_containers.emplace_back().volume_mounts.emplace_back().name = "i";
  spec.containers.emplace_back().volume_devices.emplace_back().name = "d";
  spec.containers.emplace_back().volume_mounts.emplace_back().name = "i";
  spec.ephemeral_containers.emplace_back().volume_mounts.emplace_back().name = "e";
  spec.volumes.emplace_back().name = "other";
  EXPECT_EQ(used_volumes(spec), (std::set<std::string_view>{"d", "e", "i"}));
}

TEST(VolumeSpecs, OfThePodItself) {
  core::Pod pod;
  pod.spec.volumes.emplace_back().name = "cache";
  pod.spec.volumes[0].empty_dir.ensure();
  pod.spec.security_context.ensure().fs_group = 7;
  const auto shared = std::make_shared<const core::Pod>(std::move(pod));
  const VolumeSpec spec = resolve(shared, shared->spec.volumes[0]);
  EXPECT_EQ(spec.name(), "cache");
  EXPECT_EQ(spec.kind, VolumeKind::EmptyDir);
  EXPECT_EQ(spec.fs_group, 7u);
  EXPECT_FALSE(spec.block || spec.read_only || spec.persistent);
}

TEST(VolumeSpecs, ReachedFromANode) {
  Bound bound;
  const FlatMap<std::string> here{{"kubernetes.io/hostname", "here"}, {"zone", "z1"}};
  EXPECT_TRUE(check_node_affinity(*resolve_all(bound), here));
  auto& terms = bound.persistent.spec.node_affinity.ensure().required.ensure().node_selector_terms;
  EXPECT_FALSE(check_node_affinity(*resolve_all(bound), here)) << "no term matches nothing";
  const auto require = [&](const std::string& label, const std::string& value) {
    auto& expression = terms.emplace_back().match_expressions.emplace_back();
    expression.key = label;
    expression.operator_ = "In";
    expression.values = {value};
  };
  require("zone", "z2");
  EXPECT_EQ(check_node_affinity(*resolve_all(bound), here).error().message, "no matching NodeSelectorTerms");
  require("kubernetes.io/hostname", "here");
  EXPECT_TRUE(check_node_affinity(*resolve_all(bound), here)) << "any of them";
  EXPECT_FALSE(check_node_affinity(*resolve_all(bound), {}));
}

TEST(VolumeSpecs, WhatThePersistentVolumeSays) {
  Bound bound;
  EXPECT_EQ(volume_gid(*resolve_all(bound)), std::nullopt);
  EXPECT_FALSE(is_of_one_pod(*resolve_all(bound)));
  bound.persistent.metadata.annotations["pv.beta.kubernetes.io/gid"] = "1234";
  bound.persistent.spec.access_modes = {"ReadWriteOncePod"};
  EXPECT_EQ(volume_gid(*resolve_all(bound)), 1234u);
  EXPECT_TRUE(is_of_one_pod(*resolve_all(bound)));
  for (const char* wrong : {"", "-1", "x", "4294967296"}) {
    bound.persistent.metadata.annotations["pv.beta.kubernetes.io/gid"] = wrong;
    EXPECT_EQ(volume_gid(*resolve_all(bound)), std::nullopt) << wrong;
  }
  bound.persistent.spec.access_modes = {"ReadWriteOncePod", "ReadWriteOnce"};
  EXPECT_FALSE(is_of_one_pod(*resolve_all(bound)));
}

}  // namespace
}  // namespace pintle::kubelet::volumes

#include "kubelet/volumes/plugins/csi_request.h"

#include <gtest/gtest.h>

#include "api/testing/from_yaml.h"
#include "codec/json.h"

namespace pintle::kubelet::volumes::plugins {
namespace {

namespace core = api::core_v1;
using api::testing::from_yaml;

CsiDriverPtr described(std::string_view spec) {
  return std::make_shared<const api::storage_v1::CSIDriver>(
      from_yaml<api::storage_v1::CSIDriver>("{metadata: {name: d.example}, spec: " + std::string(spec) + "}"));
}

VolumeSpec persistent(std::string_view spec, std::string_view claim = "{}") {
  VolumeSpec out;
  out.kind = VolumeKind::Csi;
  out.entry = std::make_shared<const core::Volume>();
  out.persistent =
      std::make_shared<const core::PersistentVolume>(from_yaml<core::PersistentVolume>("{metadata: {name: pv}, spec: " + std::string(spec) + "}"));
  out.claim = std::make_shared<const core::PersistentVolumeClaim>(from_yaml<core::PersistentVolumeClaim>(claim));
  return out;
}

VolumeSpec in_pod(std::string_view volume) {
  VolumeSpec out;
  out.kind = VolumeKind::Csi;
  out.entry = std::make_shared<const core::Volume>(from_yaml<core::Pod>("{spec: {volumes: [" + std::string(volume) + "]}}").spec.volumes.at(0));
  return out;
}

TEST(CsiRequests, WhatTheSourceSays) {
  const auto source = csi_source(persistent("{csi: {driver: d.example, volumeHandle: h, fsType: xfs, readOnly: true, volumeAttributes: {a: b}, "
                                            "nodeStageSecretRef: {namespace: ns, name: s}, nodeExpandSecretRef: {namespace: ns, name: e}}}"),
                                 "shop", "uid");
  ASSERT_TRUE(source);
  EXPECT_EQ(source->driver + source->handle + source->fs_type, "d.examplehxfs");
  EXPECT_FALSE(source->read_only) << "that is for the attacher";
  EXPECT_FALSE(source->ephemeral);
  EXPECT_EQ(source->stage_secret, (SecretName{"ns", "s"}));
  EXPECT_EQ(source->expand_secret, (SecretName{"ns", "e"}));
  EXPECT_FALSE(source->publish_secret);

  const auto own = csi_source(in_pod("{name: v, csi: {driver: d.example, readOnly: true, nodePublishSecretRef: {name: s}}}"), "shop", "uid");
  ASSERT_TRUE(own);
  EXPECT_TRUE(own->read_only && own->ephemeral);
  EXPECT_EQ(own->handle, ephemeral_handle("uid", "v"));
  EXPECT_EQ(own->publish_secret, (SecretName{"shop", "s"})) << "of the pod's namespace";
  EXPECT_FALSE(csi_source(in_pod("{name: v, emptyDir: {}}"), "shop", "uid"));
}

TEST(CsiRequests, WhatDriversHaveTakenOver) {
  const auto aws = csi_source(persistent("{awsElasticBlockStore: {volumeID: 'aws://eu-1a/vol-1', fsType: ext4, partition: 2}}"), "", "");
  ASSERT_TRUE(aws);
  EXPECT_EQ(aws->driver + " " + aws->handle + " " + aws->fs_type, "ebs.csi.aws.com vol-1 ext4");
  EXPECT_EQ(aws->attributes, (FlatMap<std::string>{{"partition", "2"}}));
  const auto azure = csi_source(persistent("{azureDisk: {diskName: d, diskURI: /uri, fsType: xfs, cachingMode: ReadOnly, kind: Managed}}"), "", "");
  ASSERT_TRUE(azure);
  EXPECT_EQ(azure->driver + " " + azure->handle + " " + azure->fs_type, "disk.csi.azure.com /uri xfs");
  EXPECT_EQ(azure->attributes, (FlatMap<std::string>{{"cachingMode", "ReadOnly"}, {"kind", "Managed"}}));
  EXPECT_FALSE(csi_source(persistent("{hostPath: {path: /x}}"), "", ""));
}

TEST(CsiRequests, LifecycleModes) {
  const auto ask = [](const char* volume, const CsiDriverPtr& object) {
    const auto source =
        csi_source(volume[0] == 'p' ? persistent("{csi: {driver: d, volumeHandle: h}}") : in_pod("{name: v, csi: {driver: d}}"), "", "");
    const auto fits = check_lifecycle(*source, object);
    return fits ? std::string() : fits.error().message;
  };
  EXPECT_EQ(ask("persistent", nullptr), "");
  EXPECT_EQ(ask("inline", nullptr), "volume mode \"Ephemeral\" not supported by driver d (no CSIDriver object)");
  EXPECT_EQ(ask("persistent", described("{}")), "");
  EXPECT_EQ(ask("inline", described("{}")), "volume mode \"Ephemeral\" not supported by driver d (only supports [\"Persistent\"])");
  EXPECT_EQ(ask("inline", described("{volumeLifecycleModes: [Persistent, Ephemeral]}")), "");
  EXPECT_EQ(ask("persistent", described("{volumeLifecycleModes: [Ephemeral]}")),
            "volume mode \"Persistent\" not supported by driver d (only supports [\"Ephemeral\"])");
}

TEST(CsiRequests, AccessModes) {
  const auto mode = [](std::string_view modes, bool multi_writer) {
    csi::NodeCapabilities can;
    can.single_node_multi_writer = multi_writer;
    const VolumeSpec spec = persistent("{accessModes: " + std::string(modes) + ", csi: {driver: d, volumeHandle: h}}");
    return volume_capability(spec, *csi_source(spec, "", ""), can, std::nullopt).access_mode->mode;
  };
  EXPECT_EQ(mode("[ReadWriteOnce]", false), 1);
  EXPECT_EQ(mode("[ReadWriteOnce]", true), 7);
  EXPECT_EQ(mode("[ReadOnlyMany]", true), 3);
  EXPECT_EQ(mode("[ReadWriteMany]", true), 5);
  EXPECT_EQ(mode("[ReadWriteOncePod]", false), 1);
  EXPECT_EQ(mode("[ReadWriteOncePod]", true), 6);
}

TEST(CsiRequests, HowItIsMounted) {
  VolumeSpec spec = persistent("{accessModes: [ReadWriteOnce], csi: {driver: d, volumeHandle: h, fsType: ext4}}");
  spec.mount_options = {"noatime"};
  csi::NodeCapabilities can;
  auto made = volume_capability(spec, *csi_source(spec, "", ""), can, 42);
  EXPECT_EQ(made.mount->fs_type, "ext4");
  EXPECT_EQ(made.mount->mount_flags, std::vector<std::string>{"noatime"});
  EXPECT_EQ(made.mount->volume_mount_group, "") << "the kubelet does it";
  EXPECT_FALSE(made.block);
  can.volume_mount_group = true;
  EXPECT_EQ(volume_capability(spec, *csi_source(spec, "", ""), can, 42).mount->volume_mount_group, "42");
  spec.block = true;
  made = volume_capability(spec, *csi_source(spec, "", ""), can, 42);
  EXPECT_TRUE(made.block);
  EXPECT_FALSE(made.mount);
}

TEST(CsiRequests, WhoseGroup) {
  const auto owned = [](std::string_view modes, std::string_view fs_type, const CsiDriverPtr& object, bool read_only = false) {
    VolumeSpec spec =
        persistent("{accessModes: " + std::string(modes) + ", csi: {driver: d, volumeHandle: h, fsType: \"" + std::string(fs_type) + "\"}}");
    spec.fs_group = 42;
    spec.read_only = read_only;
    return is_owned_by_kubelet(spec, *csi_source(spec, "", ""), object);
  };
  EXPECT_TRUE(owned("[ReadWriteOnce]", "ext4", nullptr));
  EXPECT_FALSE(owned("[ReadWriteOnce]", "", nullptr)) << "nobody said that it is a file system";
  EXPECT_FALSE(owned("[ReadWriteMany]", "ext4", nullptr));
  EXPECT_FALSE(owned("[ReadWriteOnce]", "ext4", described("{fsGroupPolicy: None}")));
  EXPECT_TRUE(owned("[ReadWriteMany]", "", described("{fsGroupPolicy: File}")));
  EXPECT_FALSE(owned("[ReadWriteOnce]", "ext4", described("{fsGroupPolicy: File}"), true));
  VolumeSpec no_group = persistent("{accessModes: [ReadWriteOnce], csi: {driver: d, volumeHandle: h, fsType: ext4}}");
  EXPECT_FALSE(is_owned_by_kubelet(no_group, *csi_source(no_group, "", ""), nullptr));
}

TEST(CsiRequests, Growing) {
  const auto grown = [](std::string_view size, std::string_view known) {
    const auto to = grown_to(persistent("{capacity: {storage: " + std::string(size) + "}, csi: {driver: d, volumeHandle: h}}",
                                        "{status: {capacity: {" + std::string(known) + "}}}"));
    return to ? to->text() : "";
  };
  EXPECT_EQ(grown("2Gi", "storage: 1Gi"), "2Gi");
  EXPECT_EQ(grown("1Gi", "storage: 1Gi"), "");
  EXPECT_EQ(grown("1024Mi", "storage: 1Gi"), "");
  EXPECT_EQ(grown("1Gi", "storage: 2Gi"), "");
  EXPECT_EQ(grown("1Gi", ""), "") << "it is not bound yet";

  const auto claim = from_yaml<core::PersistentVolumeClaim>(
      "{metadata: {resourceVersion: '7'}, status: {allocatedResourceStatuses: {storage: NodeResizePending}, conditions: "
      "[{type: FileSystemResizePending, status: 'True'}, {type: Other, status: 'True', reason: R, lastTransitionTime: 2026-01-02T03:04:05Z}]}}");
  EXPECT_EQ(grown_patch(claim, *api::Quantity::parse("2Gi")),
            R"({"metadata":{"resourceVersion":"7"},"status":{"allocatedResourceStatuses":{"storage":null},"capacity":{"storage":"2Gi"},)"
            R"("conditions":[{"lastTransitionTime":"2026-01-02T03:04:05Z","reason":"R","status":"True","type":"Other"}]}})");
}

TEST(CsiRequests, WhatItHolds) {
  api::csi_v1::NodeGetVolumeStatsResponse answer;
  auto& bytes = answer.usage.emplace_back();
  bytes.unit = 1;
  bytes.total = 100;
  bytes.available = 60;
  bytes.used = 40;
  answer.usage.emplace_back().unit = 9;  // of a later version
  VolumeSpace space = space_of(answer);
  EXPECT_EQ(space.capacity_bytes, 100U);
  EXPECT_EQ(space.available_bytes, 60U);
  EXPECT_EQ(space.used_bytes, 40U);
  EXPECT_FALSE(space.inodes);
  answer.usage[0].used = -1;
  EXPECT_FALSE(space_of(answer).used_bytes);
}

TEST(CsiRequests, Tokens) {
  EXPECT_EQ(tokens_json({}), "{}");
  EXPECT_EQ(
      tokens_json({{"vault", "t1", "2026-01-02T03:04:05Z"}, {"", "t2", "2026-01-02T03:04:06Z"}}),
      R"({"":{"expirationTimestamp":"2026-01-02T03:04:06Z","token":"t2"},"vault":{"expirationTimestamp":"2026-01-02T03:04:05Z","token":"t1"}})");
}

}  // namespace
}  // namespace pintle::kubelet::volumes::plugins

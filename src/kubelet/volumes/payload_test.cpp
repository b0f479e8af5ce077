#include "kubelet/volumes/payload.h"

#include <gtest/gtest.h>

#include "kubelet/volumes/volume_kinds.h"
#include "rules/pod_claims.h"

namespace pintle::kubelet::volumes {
namespace {

namespace core = api::core_v1;

core::KeyToPath item(std::string key, std::string path, std::optional<int32_t> mode = {}) {
  core::KeyToPath out;
  out.key = std::move(key);
  out.path = std::move(path);
  out.mode = mode;
  return out;
}

TEST(Payload, ConfigMaps) {
  core::ConfigMap object;
  object.data = {{"a", "1"}};
  object.binary_data = {{"b", std::string("\0x", 2)}};
  EXPECT_EQ(config_map_payload({}, object, 0644, false).value(), (Payload{{"a", {"1", 0644, {}}}, {"b", {std::string("\0x", 2), 0644, {}}}}));
  EXPECT_EQ(config_map_payload({item("a", "x/y", 0400)}, object, 0644, false).value(), (Payload{{"x/y", {"1", 0400, {}}}}));
  const auto missing = config_map_payload({item("none", "x")}, object, 0644, false);
  ASSERT_FALSE(missing);
  EXPECT_EQ(missing.error().message, "configmap references non-existent config key: none");
  EXPECT_EQ(config_map_payload({item("none", "x"), item("a", "y")}, object, 0644, true).value(), (Payload{{"y", {"1", 0644, {}}}}));
}

TEST(Payload, Secrets) {
  core::Secret object;
  object.data = {{"k", "v"}};
  EXPECT_EQ(secret_payload({}, object, 0400, false).value(), (Payload{{"k", {"v", 0400, {}}}}));
  EXPECT_EQ(secret_payload({item("none", "x")}, object, 0400, false).error().message, "references non-existent secret key: none");
}

TEST(Payload, DownwardApi) {
  core::Pod pod;
  pod.metadata.labels = {{"a", "1"}, {"b", "2"}};
  core::DownwardAPIVolumeFile labels;
  labels.path = "labels";
  labels.field_ref.ensure().field_path = "metadata.labels";
  labels.mode = 0440;
  core::DownwardAPIVolumeFile cpu;
  cpu.path = "cpu";
  cpu.resource_field_ref.ensure().container_name = "main";
  cpu.resource_field_ref->resource = "limits.cpu";
  pod.spec.containers.emplace_back().name = "main";
  const auto payload = downward_payload({labels, cpu}, pod, {{"cpu", api::Quantity::from_int(2)}}, 0644);
  ASSERT_TRUE(payload) << payload.error().message;
  EXPECT_EQ(*payload, (Payload{{"labels", {"a=\"1\"\nb=\"2\"", 0440, {}}}, {"cpu", {"2", 0644, {}}}}));
}

TEST(Payload, UserOfTokens) {
  core::Pod pod;
  pod.spec.containers.resize(2);
  EXPECT_FALSE(common_user(pod));
  pod.spec.security_context.ensure().run_as_user = 1000;
  EXPECT_EQ(common_user(pod), 1000u);
  pod.spec.containers[1].security_context.ensure().run_as_user = 1001;
  EXPECT_FALSE(common_user(pod));
  pod.spec.containers[0].security_context.ensure().run_as_user = 1001;
  EXPECT_EQ(common_user(pod), 1001u);
  pod.spec.init_containers.emplace_back();
  EXPECT_FALSE(common_user(pod));
}

TEST(VolumeKinds, Directories) {
  core::Volume volume;
  volume.empty_dir.ensure();
  EXPECT_EQ(plugin_directory(kind_of(volume)), "kubernetes.io~empty-dir");
  volume = {};
  volume.projected.ensure();
  EXPECT_EQ(plugin_directory(kind_of(volume)), "kubernetes.io~projected");
  volume = {};
  volume.iscsi.ensure();
  EXPECT_EQ(kind_of(volume), VolumeKind::Unsupported);
  core::Pod pod;
  pod.metadata.name = "web";
  volume = {};
  volume.name = "scratch";
  volume.ephemeral.ensure();
  EXPECT_EQ(rules::claim_name(pod, volume), "web-scratch");
}

}  // namespace
}  // namespace pintle::kubelet::volumes

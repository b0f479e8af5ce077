#include "kubelet/container_config/mounts.h"

#include <gtest/gtest.h>

namespace pintle::kubelet::container_config {
namespace {

namespace core = api::core_v1;
namespace cri_v1 = api::cri_v1;

core::VolumeMount mount_of(std::string name, std::string path) {
  core::VolumeMount out;
  out.name = std::move(name);
  out.mount_path = std::move(path);
  return out;
}

Result<std::vector<PlannedMount>> plan(core::VolumeMount mount, bool recursive_read_only = false) {
  core::Container container;
  container.name = "main";
  container.volume_mounts = {std::move(mount)};
  volumes::MountedVolumes volumes(3);
  volumes[0].name = "data";
  volumes[0].host_path = "/v/data";
  volumes[1].name = "config";
  volumes[1].host_path = "/v/config";
  volumes[1].read_only = true;
  volumes[2].name = "image";
  volumes[2].image = true;
  NodeConfig node;
  node.recursive_read_only = recursive_read_only;
  return plan_mounts(container, volumes, {{"POD", "web-0"}, {"EMPTY", ""}}, {{"image", "registry/x"}}, node);
}

void check_error(core::VolumeMount mount, std::string_view message) {
  const auto planned = plan(std::move(mount));
  ASSERT_FALSE(planned);
  EXPECT_EQ(planned.error().message, message);
}

TEST(Mounts, Plain) {
  const auto planned = plan(mount_of("data", "data"));
  ASSERT_TRUE(planned);
  EXPECT_EQ(planned->at(0).mount.container_path, "/data");
  EXPECT_EQ(planned->at(0).mount.host_path, "/v/data");
  EXPECT_FALSE(planned->at(0).mount.readonly);
  EXPECT_EQ(planned->at(0).mount.propagation, cri_v1::MountPropagation::Private);
  EXPECT_TRUE(plan(mount_of("config", "/c"))->at(0).mount.readonly);
  check_error(mount_of("none", "/x"), "cannot find volume \"none\" to mount into container \"main\"");
}

TEST(Devices, OfBlockVolumes) {
  volumes::MountedVolumes volumes(2);
  volumes[0].name = "raw";
  volumes[0].host_path = "/pods/u/volumeDevices/x/pv";
  volumes[0].block = true;
  volumes[1].name = "files";
  volumes[1].host_path = "/v/files";
  core::Container container;
  container.name = "main";
  core::VolumeDevice& device = container.volume_devices.emplace_back();
  device.name = "raw";
  device.device_path = "/dev/xvda";
  EXPECT_EQ(plan_devices(container, volumes)->at(0).host_path, "/pods/u/volumeDevices/x/pv");
  EXPECT_EQ(plan_devices(container, volumes)->at(0).container_path, "/dev/xvda");
  EXPECT_EQ(plan_devices(container, volumes)->at(0).permissions, "mrw");
  volumes[0].read_only = true;
  EXPECT_EQ(plan_devices(container, volumes)->at(0).permissions, "r");
  device.device_path = "xvda";
  EXPECT_EQ(plan_devices(container, volumes).error().message, "error DevicePath `xvda` must be an absolute path");
  device = {};
  device.name = "files";
  device.device_path = "/d";
  EXPECT_EQ(plan_devices(container, volumes).error().message, "cannot find volume \"files\" to pass into container \"main\"");
  container.volume_mounts = {mount_of("raw", "/r")};
  EXPECT_EQ(plan_mounts(container, volumes, {}, {}, NodeConfig()).error().message, "cannot find volume \"raw\" to mount into container \"main\"");
}

TEST(VolumeGroups, OfThePodsVolumes) {
  volumes::MountedVolumes volumes(4);
  volumes[0].gid = 7;
  volumes[1].gid = 5;
  volumes[2].gid = 7;
  core::Pod pod;
  EXPECT_EQ(volume_groups(pod, volumes), (std::vector<int64_t>{5, 7}));
  pod.spec.security_context.ensure().supplemental_groups = {7};
  EXPECT_EQ(volume_groups(pod, volumes), std::vector<int64_t>{5});
}

TEST(Mounts, SubPaths) {
  core::VolumeMount mount = mount_of("data", "/d");
  mount.sub_path = "a/b";
  EXPECT_EQ(plan(mount)->at(0).sub_path, "a/b");
  mount.sub_path_expr = "logs/$(POD)";
  EXPECT_EQ(plan(mount)->at(0).sub_path, "logs/web-0");
  mount.sub_path_expr = "$(B)/$(A)/$(EMPTY)";
  check_error(mount, "missing value for A, B, EMPTY");
  mount = mount_of("data", "/d");
  mount.sub_path = "/abs";
  check_error(mount, "error SubPath `/abs` must not be an absolute path");
  mount.sub_path = "a/../../b";
  check_error(mount, "unable to provision SubPath `a/../../b`: must not contain '..'");
  mount.sub_path = "..a/b..";
  EXPECT_TRUE(plan(mount));
}

TEST(Mounts, PropagationAndRecursiveReadOnly) {
  core::VolumeMount mount = mount_of("data", "/d");
  mount.mount_propagation = "Bidirectional";
  EXPECT_EQ(plan(mount)->at(0).mount.propagation, cri_v1::MountPropagation::Bidirectional);
  mount.mount_propagation = "HostToContainer";
  EXPECT_EQ(plan(mount)->at(0).mount.propagation, cri_v1::MountPropagation::HostToContainer);
  mount.mount_propagation = "Odd";
  check_error(mount, "invalid MountPropagation mode: \"Odd\"");

  mount = mount_of("data", "/d");
  mount.recursive_read_only = "Enabled";
  check_error(mount, "failed to resolve recursive read-only mode: volume \"data\" requested recursive read-only mode, but it is not read-only");
  mount.read_only = true;
  check_error(
      mount,
      "failed to resolve recursive read-only mode: volume \"data\" requested recursive read-only mode, but it is not supported by the runtime");
  EXPECT_TRUE(plan(mount, true)->at(0).mount.recursive_read_only);
  mount.recursive_read_only = "IfPossible";
  EXPECT_FALSE(plan(mount)->at(0).mount.recursive_read_only);
}

TEST(Mounts, Images) {
  core::VolumeMount mount = mount_of("image", "/i");
  mount.sub_path = "bin";
  const auto planned = plan(mount);
  ASSERT_TRUE(planned);
  EXPECT_EQ(planned->at(0).mount.image->image, "registry/x");
  EXPECT_EQ(planned->at(0).mount.image_sub_path, "bin");
  EXPECT_EQ(planned->at(0).sub_path, "");
  EXPECT_EQ(planned->at(0).mount.host_path, "");
}

TEST(Mounts, HostsFile) {
  core::Pod pod;
  core::Container container;
  EXPECT_FALSE(mounts_hosts_file(pod, container, {}));
  EXPECT_TRUE(mounts_hosts_file(pod, container, {"10.0.0.1"}));
  pod.spec.host_network = true;
  EXPECT_TRUE(mounts_hosts_file(pod, container, {}));
  container.volume_mounts = {mount_of("data", "/etc/hosts")};
  EXPECT_FALSE(mounts_hosts_file(pod, container, {"10.0.0.1"}));
}

}  // namespace
}  // namespace pintle::kubelet::container_config

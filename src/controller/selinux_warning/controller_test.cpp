#include "controller/selinux_warning/controller.h"

#include <gtest/gtest.h>

#include "api/gen/storage_v1.h"
#include "controller/testing.h"
#include "controller/testing/text_objects.h"

namespace pintle::controller::selinux_warning {
namespace {

using api::core_v1::Pod;
using testing::World;

Pod pod_with(const std::string& name, const std::string& level) {
  Pod pod = testing::pod_of(name + " running");
  pod.spec = testing::from_yaml<api::core_v1::PodSpec>("{securityContext: {seLinuxOptions: {level: '" + level +
                                                       "'}}, volumes: [{name: v, persistentVolumeClaim: {claimName: c}}], containers: [{name: a, "
                                                       "volumeMounts: [{name: v, mountPath: /v}]}]}");
  return pod;
}

void put_storage(World& world) {
  api::core_v1::PersistentVolumeClaim claim;
  claim.metadata.name = claim.metadata.uid = "c";
  claim.metadata.namespace_ = "default";
  claim.spec.volume_name = "pv";
  claim.status.phase = "Bound";
  world.server.put(claim);
  api::core_v1::PersistentVolume volume;
  volume.metadata.name = volume.metadata.uid = "pv";
  volume.spec.csi.ensure().driver = "d";
  volume.spec.csi->volume_handle = "h";
  auto& ref = volume.spec.claim_ref.ensure();
  ref.namespace_ = "default";
  ref.name = ref.uid = "c";
  world.server.put(volume);
}

void put_driver(World& world, bool mounts) {
  api::storage_v1::CSIDriver driver;
  driver.metadata.name = driver.metadata.uid = "d";
  driver.spec.se_linux_mount = mounts;
  world.server.put(driver);
}

int conflict_events(const World& world) {
  int out = 0;
  for (const auto& write : world.server.written("POST", "/events")) out += write.as<api::core_v1::Event>().reason == "SELinuxLabelConflict";
  return out;
}

std::string line(const std::string& a, const std::string& b) {
  return "selinux_warning_controller_selinux_volume_conflict{property=\"SELinuxLabel\",pod1_namespace=\"default\",pod1_name=\"" + a +
         "\",pod1_value=\":::" + a + "\",pod2_namespace=\"default\",pod2_name=\"" + b + "\",pod2_value=\":::" + b + "\"} 1";
}

TEST(SelinuxWarning, TellsBothPodsOnce) {
  testing::in_world([](World& world) -> rt::Task<void> {
    put_storage(world);
    put_driver(world, true);
    world.server.put(pod_with("x", "x"));
    co_await world.start(make_selinux_warning_controller);
    co_await testing::pass(std::chrono::seconds(1));
    EXPECT_EQ(conflict_events(world), 0);
    Pod other = pod_with("y", "y");
    world.server.put(other);
    co_await testing::pass(std::chrono::seconds(2));
    EXPECT_EQ(conflict_events(world), 2);
    EXPECT_TRUE(world.tells(line("x", "y"))) << world.metrics.write();
    EXPECT_TRUE(world.tells(line("y", "x")));
    other.metadata.labels["k"] = "v";
    world.server.put(other);
    co_await testing::pass(std::chrono::seconds(2));
    EXPECT_EQ(conflict_events(world), 2);
    other.status.phase = "Succeeded";
    world.server.put(other);
    co_await testing::pass(std::chrono::seconds(2));
    EXPECT_FALSE(world.tells(line("x", "y")));
    EXPECT_FALSE(world.tells(line("y", "x")));
  });
}

// A driver that does not mount with labels has nothing to warn of, until it says that it does.
TEST(SelinuxWarning, HeedsTheDriver) {
  testing::in_world([](World& world) -> rt::Task<void> {
    put_storage(world);
    world.server.put(pod_with("x", "x"));
    world.server.put(pod_with("y", "y"));
    co_await world.start(make_selinux_warning_controller);
    co_await testing::pass(std::chrono::seconds(2));
    EXPECT_EQ(conflict_events(world), 0);
    put_driver(world, true);
    co_await testing::pass(std::chrono::seconds(2));
    EXPECT_TRUE(world.tells(line("x", "y")));
    put_driver(world, false);
    co_await testing::pass(std::chrono::seconds(2));
    EXPECT_FALSE(world.tells(line("x", "y")));
  });
}

TEST(SelinuxWarning, LabelsWithinAPod) {
  testing::in_world([](World& world) -> rt::Task<void> {
    put_storage(world);
    put_driver(world, true);
    Pod pod = pod_with("x", "x");
    pod.spec.containers.push_back(pod.spec.containers[0]);
    pod.spec.containers[1].security_context.ensure().se_linux_options.ensure().level = "other";
    world.server.put(pod);
    pod.metadata.name = pod.metadata.uid = "y";  // a volume of no plugin that mounts with labels is told of too
    pod.spec.volumes[0].persistent_volume_claim.reset();
    pod.spec.volumes[0].empty_dir.emplace();
    world.server.put(pod);
    co_await world.start(make_selinux_warning_controller);
    co_await testing::pass(std::chrono::seconds(2));
    EXPECT_EQ(world.server.written("POST", "/events").size(), 2u);
    EXPECT_EQ(world.event("MultipleSELinuxLabels"), "Volume \"v\" is mounted twice with different SELinux labels inside this pod");
  });
}

}  // namespace
}  // namespace pintle::controller::selinux_warning

#include "controller/volume_binder/controller.h"

#include <gtest/gtest.h>

#include "controller/testing.h"
#include "controller/testing/text_objects.h"
#include "controller/volume_binder/plan.h"

namespace pintle::controller::volume_binder {
namespace {

using api::storage_v1::StorageClass;
using testing::World;

PersistentVolume volume_of(const std::string& name, const std::string& size, const std::string& class_name = "") {
  PersistentVolume volume;
  volume.metadata.name = volume.metadata.uid = name;
  volume.spec.capacity["storage"] = *api::Quantity::parse(size);
  volume.spec.access_modes = {"ReadWriteOnce"};
  volume.spec.storage_class_name = class_name;
  volume.status.phase = "Available";
  return volume;
}

PersistentVolumeClaim claim_of(const std::string& name, const std::string& size, const std::string& class_name = "") {
  PersistentVolumeClaim claim;
  claim.metadata.name = claim.metadata.uid = name;
  claim.metadata.namespace_ = "default";
  claim.spec.resources.requests["storage"] = *api::Quantity::parse(size);
  claim.spec.access_modes = {"ReadWriteOnce"};
  claim.spec.storage_class_name = class_name;
  return claim;
}

// What is written comes back by the watch, as from a server.
void keep_writes(World& world) {
  world.server.on_write = [&world](const client::testing::FakeServer::Write& write) {
    if (write.method != "PUT") return 200;
    if (write.path.contains("/persistentvolumes/")) world.server.put(write.as<PersistentVolume>());
    if (write.path.contains("/persistentvolumeclaims/")) world.server.put(write.as<PersistentVolumeClaim>());
    return 200;
  };
}

// "a:v1 b:v2": the claims that were bound, in that order.
std::string bound(const World& world) {
  std::string out;
  for (const auto& write : world.server.writes) {
    if (write.method != "PUT" || !write.path.contains("/persistentvolumeclaims/") || write.path.ends_with("/status")) continue;
    const auto claim = write.as<PersistentVolumeClaim>();
    if (!claim.spec.volume_name.empty()) out += (out.empty() ? "" : " ") + claim.metadata.name + ":" + claim.spec.volume_name;
  }
  return out;
}

TEST(VolumeBinder, AVolumeThatComesLaterFindsItsClaim) {
  testing::in_world([](World& world) -> rt::Task<void> {
    keep_writes(world);
    world.server.put(claim_of("big", "5Gi"));
    world.server.put(claim_of("small", "1Gi"));
    world.server.put(claim_of("other", "1Gi", "fast"));
    co_await world.start(make_volume_binder_controller);
    co_await testing::pass(std::chrono::seconds(1));
    EXPECT_EQ(bound(world), "");
    world.server.put(volume_of("v1", "2Gi"));
    co_await testing::pass(std::chrono::seconds(1));
    EXPECT_EQ(bound(world), "small:v1");
    world.server.put(volume_of("v2", "2Gi"));
    co_await testing::pass(std::chrono::seconds(1));
    EXPECT_EQ(bound(world), "small:v1");
    world.server.put(volume_of("v3", "9Gi"));
    world.server.put(volume_of("v4", "9Gi", "fast"));
    co_await testing::pass(std::chrono::seconds(1));
    EXPECT_EQ(bound(world), "small:v1 big:v3 other:v4");
  });
}

TEST(VolumeBinder, VolumesThatComeTogetherServeAllThatWait) {
  testing::in_world([](World& world) -> rt::Task<void> {
    keep_writes(world);
    for (int i = 0; i < 20; ++i) world.server.put(claim_of("c" + std::to_string(i), "1Gi"));
    co_await world.start(make_volume_binder_controller);
    co_await testing::pass(std::chrono::seconds(1));
    for (int i = 0; i < 20; ++i) world.server.put(volume_of("v" + std::to_string(i), std::to_string(20 - i) + "Gi"));
    co_await testing::pass(std::chrono::seconds(5));
    std::set<std::string> volumes;
    for (const std::string& one : testing::split(bound(world), ' ')) volumes.insert(one.substr(one.find(':') + 1));
    EXPECT_EQ(volumes.size(), 20u) << bound(world);
  });
}

// It may be made after the claim that names it.
TEST(VolumeBinder, AVolumeThatIsNamed) {
  testing::in_world([](World& world) -> rt::Task<void> {
    keep_writes(world);
    PersistentVolumeClaim claim = claim_of("c", "1Gi");
    claim.spec.volume_name = "mine";
    world.server.put(claim);
    co_await world.start(make_volume_binder_controller);
    co_await testing::pass(std::chrono::seconds(1));
    world.server.put(volume_of("theirs", "1Gi"));
    world.server.put(volume_of("mine", "2Gi"));
    co_await testing::pass(std::chrono::seconds(1));
    EXPECT_EQ(bound(world), "c:mine");
  });
}

TEST(VolumeBinder, AClaimThatWaitsForItsPodTakesNoVolume) {
  testing::in_world([](World& world) -> rt::Task<void> {
    keep_writes(world);
    StorageClass local;
    local.metadata.name = local.metadata.uid = "local";
    local.provisioner = "kubernetes.io/no-provisioner";
    local.volume_binding_mode = "WaitForFirstConsumer";
    world.server.put(local);
    world.server.put(claim_of("c", "1Gi", "local"));
    co_await world.start(make_volume_binder_controller);
    world.server.put(volume_of("v", "1Gi", "local"));
    co_await testing::pass(std::chrono::seconds(1));
    EXPECT_EQ(bound(world), "");
    local.volume_binding_mode = "Immediate";
    world.server.put(local);
    co_await testing::pass(std::chrono::seconds(1));
    EXPECT_EQ(bound(world), "c:v");
  });
}

}  // namespace
}  // namespace pintle::controller::volume_binder

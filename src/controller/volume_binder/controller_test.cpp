#include "controller/volume_binder/controller.h"

#include <gtest/gtest.h>

#include "controller/framework/host_directories.h"
#include "controller/testing.h"
#include "controller/testing/text_objects.h"
#include "controller/volume_binder/plan.h"
#include "controller/volume_binder/reclaimer.h"

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
    if (write.method == "POST" && write.path.ends_with("/persistentvolumes")) world.server.put(write.as<PersistentVolume>());
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

// Directories in memory.
struct FakeDirectories final : HostDirectories {
  std::set<std::string> paths;
  int slices = 0;  // after which a removal comes to its end
  std::string refusal;
  Result<Unit> make(const std::string& path) override {
    paths.insert(path);
    return Unit{};
  }
  Result<Unit> remove(const std::string& path, const std::function<bool()>&) override {
    if (slices-- > 0) return Unexpected(error(Reason::Timeout, "not yet"));
    if (!refusal.empty()) return Unexpected(error(Reason::InternalError, refusal));
    paths.erase(path);
    return Unit{};
  }
};

// "v" of the claim "c", which is gone.
PersistentVolume released_volume(const std::string& policy) {
  PersistentVolume volume = volume_of("v", "1Gi");
  volume.spec.persistent_volume_reclaim_policy = policy;
  volume.spec.host_path.emplace().path = "/tmp/a";
  volume.metadata.annotations[bound_by_controller_annotation] = "yes";
  auto& ref = volume.spec.claim_ref.emplace();
  ref.namespace_ = "default";
  ref.name = ref.uid = "c";
  volume.status.phase = "Bound";
  return volume;
}

std::string phase_of(const World& world) {
  for (auto it = world.server.writes.rbegin(); it != world.server.writes.rend(); ++it)
    if (it->method == "PUT" && it->path.ends_with("/persistentvolumes/v/status")) return it->as<PersistentVolume>().status.phase;
  return "";
}

TEST(VolumeBinder, ADirectoryGoesAndThenItsVolume) {
  testing::in_world([](World& world) -> rt::Task<void> {
    FakeDirectories directories;
    directories.paths = {"/tmp/a", "/tmp/b"};
    directories.slices = 3;
    world.host_directories = &directories;
    keep_writes(world);
    world.server.absent.insert("/api/v1/namespaces/default/persistentvolumeclaims/c");
    world.server.put(released_volume("Delete"));
    co_await world.start(make_volume_binder_controller);
    co_await testing::pass(std::chrono::seconds(1));
    EXPECT_EQ(directories.paths, std::set<std::string>{"/tmp/b"});
    EXPECT_EQ(world.server.written("DELETE", "/persistentvolumes/v").size(), 1u);
    EXPECT_EQ(phase_of(world), "Released");
  });
}

TEST(VolumeBinder, ADirectoryThatDoesNotGoIsTriedAgain) {
  testing::in_world([](World& world) -> rt::Task<void> {
    FakeDirectories directories;
    directories.paths = {"/tmp/a"};
    directories.refusal = "busy";
    world.host_directories = &directories;
    keep_writes(world);
    world.server.absent.insert("/api/v1/namespaces/default/persistentvolumeclaims/c");
    world.server.put(released_volume("Delete"));
    co_await world.start(make_volume_binder_controller);
    co_await testing::pass(std::chrono::seconds(1));
    EXPECT_EQ(phase_of(world), "Failed");
    EXPECT_EQ(world.event("VolumeFailedDelete"), "busy");
    EXPECT_TRUE(world.server.written("DELETE", "/persistentvolumes/v").empty());
    directories.refusal.clear();
    co_await testing::pass(reclaim_retry);
    EXPECT_TRUE(directories.paths.empty());
    EXPECT_EQ(world.server.written("DELETE", "/persistentvolumes/v").size(), 1u);
  });
}

TEST(VolumeBinder, WithoutAMachineADirectoryStays) {
  testing::in_world([](World& world) -> rt::Task<void> {
    keep_writes(world);
    world.server.absent.insert("/api/v1/namespaces/default/persistentvolumeclaims/c");
    world.server.put(released_volume("Delete"));
    co_await world.start(make_volume_binder_controller);
    co_await testing::pass(std::chrono::seconds(60));
    EXPECT_EQ(phase_of(world), "Released");
    EXPECT_TRUE(world.server.written("DELETE", "/persistentvolumes/v").empty());
  });
}

// The recycler's pod ends in that phase; "": it is deleted.
rt::Task<void> recycle(World& world, std::string phase, std::string message) {
  using api::core_v1::Pod;
  const auto made = std::make_shared<Pod>();
  world.server.on_write = [&world, made, stays = !phase.empty()](const client::testing::FakeServer::Write& write) {
    if (write.method == "PUT" && write.path.contains("/persistentvolumes/")) world.server.put(write.as<PersistentVolume>());
    if (write.method == "POST" && write.path.ends_with("/pods")) {
      *made = write.as<Pod>();
      made->metadata.uid = "pod";
      world.server.put(*made);
    }
    if (write.method == "DELETE" && write.path.ends_with("/pods/recycler-for-v") && stays) world.server.remove(*made);
    return 200;
  };
  world.server.absent.insert("/api/v1/namespaces/default/persistentvolumeclaims/c");
  world.server.put(released_volume("Recycle"));
  co_await world.start(make_volume_binder_controller);
  co_await testing::pass(std::chrono::seconds(1));
  EXPECT_EQ(world.server.written("POST", "/pods").size(), 1u);
  EXPECT_EQ(phase_of(world), "Released");
  if (phase.empty()) {
    world.server.remove(*made);
  } else {
    made->status.phase = phase;
    made->status.message = message;
    world.server.put(*made);
  }
  co_await testing::pass(std::chrono::seconds(1));
  EXPECT_EQ(world.server.written("DELETE", "/pods/recycler-for-v").size(), 1u);
}

TEST(VolumeBinder, AScrubbedVolumeIsFreeAgain) {
  testing::in_world([](World& world) -> rt::Task<void> {
    co_await recycle(world, "Succeeded", "");
    EXPECT_EQ(phase_of(world), "Available");
    EXPECT_EQ(world.event("VolumeRecycled"), "Volume recycled");
    EXPECT_FALSE(world.server.written("PUT", "/persistentvolumes/v").back().as<PersistentVolume>().spec.claim_ref);
  });
}

TEST(VolumeBinder, AScrubThatFails) {
  testing::in_world([](World& world) -> rt::Task<void> {
    co_await recycle(world, "Failed", "it is broken");
    EXPECT_EQ(phase_of(world), "Failed");
    EXPECT_EQ(world.event("VolumeFailedRecycle"), "Recycle failed: failed to recycle volume: it is broken");
    co_await testing::pass(reclaim_retry);
    EXPECT_EQ(world.server.written("POST", "/pods").size(), 2u);
  });
}

TEST(VolumeBinder, AScrubberThatSomebodyDeletes) {
  testing::in_world([](World& world) -> rt::Task<void> {
    co_await recycle(world, "", "");
    EXPECT_EQ(world.event("VolumeFailedRecycle"), "Recycle failed: failed to recycle volume: recycler pod was deleted");
  });
}

TEST(VolumeBinder, AVolumeInUseIsNotScrubbed) {
  testing::in_world([](World& world) -> rt::Task<void> {
    keep_writes(world);
    auto pod = testing::from_yaml<api::core_v1::Pod>(
        "{metadata: {namespace: default, name: p, uid: p}, spec: {volumes: [{name: x, persistentVolumeClaim: {claimName: c}}]}}");
    world.server.put(pod);
    world.server.absent.insert("/api/v1/namespaces/default/persistentvolumeclaims/c");
    world.server.put(released_volume("Recycle"));
    co_await world.start(make_volume_binder_controller);
    co_await testing::pass(std::chrono::seconds(1));
    EXPECT_TRUE(world.server.written("POST", "/pods").empty());
    EXPECT_EQ(world.event("VolumeFailedRecycle"), "Volume is used by pods: default/p");
    world.server.remove(pod);
    co_await testing::pass(reclaim_retry);
    EXPECT_EQ(world.server.written("POST", "/pods").size(), 1u);
  });
}

TEST(VolumeBinder, AClaimThatIsBoundElsewhereLetsGo) {
  testing::in_world([](World& world) -> rt::Task<void> {
    keep_writes(world);
    PersistentVolumeClaim claim = claim_of("c", "1Gi");
    world.server.put(released_volume("Retain"));
    PersistentVolume other = released_volume("Retain");
    other.metadata.name = other.metadata.uid = "w";
    world.server.put(other);
    claim.spec.volume_name = "w";
    claim.metadata.annotations[bind_completed_annotation] = "yes";
    world.server.put(claim);
    co_await world.start(make_volume_binder_controller);
    co_await testing::pass(std::chrono::seconds(1));
    EXPECT_EQ(phase_of(world), "Available");
    EXPECT_FALSE(world.server.written("PUT", "/persistentvolumes/v").back().as<PersistentVolume>().spec.claim_ref);
    EXPECT_TRUE(world.server.written("PUT", "/persistentvolumes/w").empty());
  });
}

TEST(VolumeBinder, ADirectoryIsMadeForAClaim) {
  testing::in_world([](World& world) -> rt::Task<void> {
    FakeDirectories directories;
    world.host_directories = &directories;
    world.options.enable_hostpath_provisioner = true;
    keep_writes(world);
    world.server.put(testing::from_yaml<StorageClass>("{metadata: {name: s, uid: s}, provisioner: kubernetes.io/host-path, reclaimPolicy: Delete}"));
    world.server.put(claim_of("c", "1Gi", "s"));
    co_await world.start(make_volume_binder_controller);
    co_await testing::pass(std::chrono::seconds(1));
    const auto made = world.server.written("POST", "/persistentvolumes");
    EXPECT_EQ(made.size(), 1u);
    if (made.empty()) co_return;
    const auto volume = made[0].as<PersistentVolume>();
    EXPECT_EQ(volume.metadata.name, "pvc-c");
    EXPECT_EQ(directories.paths, std::set<std::string>{volume.spec.host_path->path});
    EXPECT_EQ(bound(world), "c:pvc-c");
    EXPECT_EQ(world.event("ProvisioningSucceeded"), "Successfully provisioned volume pvc-c using kubernetes.io/host-path");
  });
}

}  // namespace
}  // namespace pintle::controller::volume_binder

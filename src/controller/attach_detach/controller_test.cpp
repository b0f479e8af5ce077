#include "controller/attach_detach/controller.h"

#include <gtest/gtest.h>

#include "api/gen/storage_v1.h"
#include "api/testing/from_yaml.h"
#include "controller/attach_detach/plan.h"
#include "controller/testing.h"
#include "rules/csi_volume.h"

namespace pintle::controller::attach_detach {
namespace {

using api::core_v1::Node;
using api::core_v1::PersistentVolume;
using api::core_v1::PersistentVolumeClaim;
using api::core_v1::Pod;
using api::storage_v1::CSIDriver;
using api::storage_v1::VolumeAttachment;
using api::testing::from_yaml;
using std::chrono::seconds;
using testing::pass;
using testing::World;
using Writes = std::vector<client::testing::FakeServer::Write>;

const rules::CsiVolume volume{"d.example", "h", "v"};
const std::string unique = "kubernetes.io/csi/d.example^h";
constexpr std::string_view attachments_path = "/volumeattachments";

Node node(const std::string& name, const std::string& status = "{}", bool managed = true) {
  const std::string annotations = managed ? ", annotations: {volumes.kubernetes.io/controller-managed-attach-detach: 'true'}" : "";
  return from_yaml<Node>("{metadata: {name: " + name + ", uid: " + name + annotations + "}, status: " + status + "}");
}
Pod pod(const std::string& name, const std::string& on, const std::string& status = "{phase: Running}") {
  return from_yaml<Pod>("{metadata: {name: " + name + ", uid: " + name + ", namespace: default}, spec: {nodeName: " + on +
                        ", volumes: [{name: data, persistentVolumeClaim: {claimName: c}}]}, status: " + status + "}");
}
void add_volume(World& world, const std::string& modes = "ReadWriteOnce") {
  world.server.put(
      from_yaml<PersistentVolumeClaim>("{metadata: {name: c, uid: c, namespace: default}, spec: {volumeName: v}, status: {phase: Bound}}"));
  world.server.put(from_yaml<PersistentVolume>("{metadata: {name: v, uid: v}, spec: {accessModes: [" + modes +
                                               "], csi: {driver: d.example, volumeHandle: h}, claimRef: {namespace: default, name: c, uid: c}}}"));
}
VolumeAttachment attachment(const std::string& on, const std::string& status = "{attached: true}") {
  return from_yaml<VolumeAttachment>("{metadata: {name: " + attachment_name(volume, on) + ", uid: a}, spec: {attacher: d.example, nodeName: " + on +
                                     ", source: {persistentVolumeName: v}}, status: " + status + "}");
}
std::string told(const World& world, std::string_view reason) {
  std::string out;
  for (const auto& write : world.server.written("POST", "/events"))
    if (const auto event = write.as<api::core_v1::Event>(); event.reason == reason) out += event.involved_object.name + ": " + event.message + "\n";
  return out;
}
std::string last_patch(const World& world, const std::string& name) {
  const Writes writes = world.server.written("PATCH", "/nodes/" + name + "/status");
  return writes.empty() ? "" : std::string(writes.back().body.view());
}

TEST(AttachDetach, AttachesWhatAPodNeeds) {
  testing::in_world([](World& world) -> rt::Task<void> {
    add_volume(world);
    world.server.put(node("a"));
    world.server.put(pod("p", "a"));
    co_await world.start(make_attach_detach_controller);
    co_await pass(seconds(1));
    const Writes made = world.server.written("POST", attachments_path);
    EXPECT_EQ(made.size(), 1u);
    if (made.empty()) co_return;
    const auto wanted = made[0].as<VolumeAttachment>();
    EXPECT_EQ(wanted.metadata.name, attachment_name(volume, "a"));
    EXPECT_EQ(wanted.spec.attacher + " " + wanted.spec.node_name + " " + wanted.spec.source.persistent_volume_name.value_or(""), "d.example a v");
    EXPECT_EQ(last_patch(world, "a"), "") << "not attached yet";
    world.server.put(attachment("a"));
    co_await pass(seconds(1));
    EXPECT_EQ(last_patch(world, "a"), R"({"status":{"volumesAttached":[{"devicePath":"","name":")" + unique + R"("}]}})");
    EXPECT_EQ(told(world, "SuccessfulAttachVolume"), "p: AttachVolume.Attach succeeded for volume \"v\" \n");
    EXPECT_TRUE(world.tells("attachdetach_controller_total_volumes{plugin_name=\"kubernetes.io/csi:d.example\",state=\"actual_state_of_world\"} 1"));
    EXPECT_TRUE(world.tells("storage_count_attachable_volumes_in_use{node=\"a\",volume_plugin=\"kubernetes.io/csi:d.example\"} 1"));
    EXPECT_EQ(world.server.written("POST", attachments_path).size(), 1u);
  });
}

// The pod ends; the node lets go of its volume after half a minute.
TEST(AttachDetach, DetachesWhenTheNodeHasLetGo) {
  testing::in_world([](World& world) -> rt::Task<void> {
    const std::string reported = "volumesAttached: [{name: '" + unique + "', devicePath: ''}]";
    add_volume(world);
    world.server.put(attachment("a"));
    world.server.put(node("a", "{" + reported + ", volumesInUse: ['" + unique + "']}"));
    world.server.put(pod("p", "a"));
    co_await world.start(make_attach_detach_controller);
    co_await pass(seconds(5));
    EXPECT_EQ(world.server.written("DELETE", attachment_name(volume, "a")).size(), 0u);
    world.server.put(pod("p", "a", "{phase: Succeeded}"));
    co_await pass(seconds(30));
    EXPECT_EQ(world.server.written("DELETE", attachment_name(volume, "a")).size(), 0u) << "the node uses it";
    world.server.put(node("a", "{" + reported + "}"));
    co_await pass(seconds(1));
    EXPECT_EQ(last_patch(world, "a"), R"({"status":{"volumesAttached":null}})");
    EXPECT_EQ(world.server.written("DELETE", attachment_name(volume, "a")).size(), 1u);
    world.server.put(node("a"));
    world.server.remove(attachment("a"));
    co_await pass(seconds(1));
    EXPECT_FALSE(world.tells("attachdetach_controller_total_volumes{plugin_name=\"kubernetes.io/csi:d.example\",state=\"actual_state_of_world\"} 1"));
    EXPECT_EQ(world.server.written("POST", attachments_path).size(), 0u);
  });
}

// Found at the start, with a node that does not answer and goes on saying that it uses the volume.
void check_forced(const std::string& status, bool disabled, bool forced) {
  testing::in_world([=](World& world) -> rt::Task<void> {
    world.options.disable_force_detach_on_timeout = disabled;
    add_volume(world);
    world.server.put(attachment("a"));
    world.server.put(node("a", status));
    co_await world.start(make_attach_detach_controller);
    co_await pass(unmount_wait_max - seconds(2));
    EXPECT_EQ(world.server.written("DELETE", attachment_name(volume, "a")).size(), 0u);
    co_await pass(seconds(4));
    EXPECT_EQ(world.server.written("DELETE", attachment_name(volume, "a")).size(), forced ? 1u : 0u) << status;
    EXPECT_EQ(world.tells("attach_detach_controller_attachdetach_controller_forced_detaches{reason=\"timeout\"} 1"), forced);
  });
}

TEST(AttachDetach, SixMinutes) {
  const std::string used = "volumesInUse: ['" + unique + "'], conditions: [{type: Ready, status: ";
  check_forced("{" + used + "Unknown}]}", false, true);
  check_forced("{" + used + "Unknown}]}", true, false);
  check_forced("{" + used + "'True'}]}", false, false);
}

TEST(AttachDetach, OneNodeAtATime) {
  testing::in_world([](World& world) -> rt::Task<void> {
    add_volume(world);
    for (const char* name : {"a", "b"}) world.server.put(node(name));
    world.server.put(attachment("a"));
    world.server.put(pod("p", "a"));
    co_await world.start(make_attach_detach_controller);
    world.server.put(pod("q", "b"));
    co_await pass(seconds(5));
    EXPECT_EQ(told(world, "FailedAttachVolume"), "q: Multi-Attach error for volume \"v\" Volume is already used by pod(s) p\n");
    EXPECT_EQ(world.server.written("POST", attachments_path).size(), 0u);
    world.server.remove(pod("p", "a"));
    co_await pass(seconds(1));
    EXPECT_EQ(world.server.written("DELETE", attachment_name(volume, "a")).size(), 1u);
    EXPECT_EQ(world.server.written("POST", attachments_path).size(), 0u) << "the attacher has not finished";
    world.server.remove(attachment("a"));
    co_await pass(seconds(1));
    EXPECT_EQ(world.server.written("POST", attachments_path).size(), 1u);
  });
}

TEST(AttachDetach, TheAttacherFailsOrIsSilent) {
  testing::in_world([](World& world) -> rt::Task<void> {
    add_volume(world);
    world.server.put(node("a"));
    world.server.put(pod("p", "a"));
    co_await world.start(make_attach_detach_controller);
    co_await pass(seconds(1));
    world.server.put(attachment("a", "{attached: false}"));
    co_await pass(attach_wait_max + seconds(2));
    const std::string head = "p: AttachVolume.Attach failed for volume \"v\" : ";
    EXPECT_EQ(told(world, "FailedAttachVolume"), head + "timed out waiting for external-attacher of d.example CSI driver to attach volume h\n");
    for (int i = 0; i < 2; ++i) world.server.put(attachment("a", "{attached: false, attachError: {message: no such disk}}"));
    co_await pass(seconds(1));
    EXPECT_TRUE(told(world, "FailedAttachVolume").ends_with("\n" + head + "no such disk\n")) << told(world, "FailedAttachVolume");
    world.server.put(attachment("a"));
    co_await pass(seconds(1));
    EXPECT_EQ(told(world, "SuccessfulAttachVolume"), "p: AttachVolume.Attach succeeded for volume \"v\" \n");
  });
}

// What is not ours to attach or to take away.
TEST(AttachDetach, LeavesAlone) {
  testing::in_world([](World& world) -> rt::Task<void> {
    add_volume(world);
    world.server.put(node("free", "{}", false));
    world.server.put(pod("p", "free"));
    world.server.put(
        from_yaml<VolumeAttachment>("{metadata: {name: others, uid: o}, spec: {attacher: d.example, nodeName: free, source: {persistentVolumeName: "
                                    "v}}, status: {attached: true}}"));
    co_await world.start(make_attach_detach_controller);
    co_await pass(seconds(5));
    world.server.put(attachment("m"));  // somebody's, while we run
    co_await pass(seconds(600));
    EXPECT_EQ(world.server.written("POST", attachments_path).size(), 0u);
    EXPECT_TRUE(world.server.written("DELETE", attachment_name(volume, "m")).empty() && world.server.written("DELETE", "others").empty());
  });
}

TEST(AttachDetach, DriversThatAskForNoAttachment) {
  testing::in_world([](World& world) -> rt::Task<void> {
    add_volume(world);
    world.server.put(from_yaml<CSIDriver>("{metadata: {name: d.example, uid: d}, spec: {attachRequired: false}}"));
    world.server.put(node("a"));
    world.server.put(pod("p", "a"));
    co_await world.start(make_attach_detach_controller);
    co_await pass(seconds(5));
    EXPECT_EQ(world.server.written("POST", attachments_path).size(), 0u);
    world.server.put(from_yaml<CSIDriver>("{metadata: {name: d.example, uid: d}, spec: {attachRequired: true}}"));
    co_await pass(seconds(1));
    EXPECT_EQ(world.server.written("POST", attachments_path).size(), 1u);
  });
}

// Somebody deletes the attachment of a volume that a pod uses.
void check_vanished(bool disabled, std::size_t made_again) {
  testing::in_world([=](World& world) -> rt::Task<void> {
    world.options.disable_attach_detach_reconcile_sync = disabled;
    add_volume(world);
    world.server.put(node("a"));
    world.server.put(attachment("a"));
    world.server.put(pod("p", "a"));
    co_await world.start(make_attach_detach_controller);
    co_await pass(seconds(5));
    world.server.remove(attachment("a"));
    co_await pass(seconds(55));
    EXPECT_EQ(world.server.written("POST", attachments_path).size(), 0u);
    co_await pass(seconds(10));
    EXPECT_EQ(world.server.written("POST", attachments_path).size(), made_again);
  });
}

TEST(AttachDetach, WhatSomebodyTookAwayIsMadeAgain) {
  check_vanished(false, 1);
  check_vanished(true, 0);
}

}  // namespace
}  // namespace pintle::controller::attach_detach

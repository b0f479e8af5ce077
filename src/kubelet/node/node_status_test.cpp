#include "kubelet/node/node_status.h"

#include <gtest/gtest.h>

#include "api/codec.h"
#include "apimachinery/patch/strategic_patch.h"
#include "codec/json.h"
#include "kubelet/node/node_lease.h"

namespace pintle::kubelet::node {
namespace {

using api::core_v1::Node;
using api::core_v1::NodeCondition;

os::MachineFacts machine() {
  os::MachineFacts out;
  out.cores = 4;
  out.memory_bytes = 16ull << 30;
  out.hugepage_sizes_bytes = {2ull << 20};
  out.hugepage_counts = {512};
  out.boot_id = "boot-1";
  out.operating_system = "linux";
  out.architecture = "amd64";
  return out;
}

std::string text(const rules::ResourceList& list) {
  std::string out;
  for (const auto& [name, amount] : list) out += name + "=" + amount.text() + " ";
  return out;
}

TEST(NodeResources, CapacityAndAllocatable) {
  resources::NodeSize size;
  size.machine = machine();
  size.storage_bytes = 100'000'000'000;
  api::kubeletconfig_v1beta1::KubeletConfiguration config;
  config.kube_reserved["cpu"] = "500m";
  config.system_reserved["memory"] = "1Gi";
  const auto hard = resources::hard_eviction_thresholds(config);
  const auto reserved = resources::reserved_resources(config);
  ASSERT_TRUE(hard && reserved);
  const rules::ResourceList capacity = resources::node_capacity(size);
  EXPECT_EQ(text(capacity), "cpu=4 ephemeral-storage=97656250Ki hugepages-2Mi=1Gi memory=16Gi pods=110 ");
  const rules::ResourceList allocatable = resources::node_allocatable(capacity, *reserved, *hard);
  EXPECT_EQ(allocatable.get("cpu")->text(), "3500m");
  EXPECT_EQ(allocatable.get("memory")->value(), (16ll << 30) - (1ll << 30) - (100ll << 20) - (1ll << 30));
  EXPECT_EQ(allocatable.get("ephemeral-storage")->value(), 100'000'000'000 - 10'000'000'149);  // upstream's single-precision 10 %
  EXPECT_EQ(allocatable.get("pods")->text(), "110");
  EXPECT_EQ(resources::allocatable_for_pods(capacity, *reserved).get("memory")->text(), "15Gi");
  size.pods_per_core = 10;
  EXPECT_EQ(resources::node_capacity(size).get("pods")->text(), "40");
  config.kube_reserved["cpu"] = "many";
  EXPECT_FALSE(resources::reserved_resources(config));
}

TEST(NodeResources, EvictionThresholds) {
  const auto check = [](std::string_view text, int64_t capacity) {
    const auto threshold = resources::parse_eviction_threshold(text);
    return threshold ? threshold->of(capacity) : -1;
  };
  EXPECT_EQ(check("100Mi", 7), 100 << 20);
  EXPECT_EQ(check("50%", 200), 100);
  EXPECT_EQ(check("101%", 200), -1);
  EXPECT_EQ(check("-1Mi", 200), -1);
  EXPECT_EQ(check("x", 200), -1);
  api::kubeletconfig_v1beta1::KubeletConfiguration config;
  EXPECT_EQ(resources::hard_eviction_thresholds(config)->size(), 5u);
  config.eviction_hard["memory.available"] = "1Gi";
  EXPECT_EQ(resources::hard_eviction_thresholds(config)->size(), 1u);
  config.eviction_hard["nodefs.available"] = "0%";
  EXPECT_EQ(resources::hard_eviction_thresholds(config)->size(), 1u);
  config.merge_default_eviction_settings = true;
  EXPECT_EQ(resources::hard_eviction_thresholds(config)->size(), 4u);
}

NodeIdentity identity() {
  NodeIdentity out;
  out.name = "n1";
  out.hostname = "n1";
  out.ips = {"10.0.0.1"};
  return out;
}

NodeObservation observation(bool network) {
  NodeObservation out;
  out.machine = machine();
  resources::NodeSize size;
  size.machine = machine();
  size.storage_bytes = 1 << 30;
  out.capacity = resources::node_capacity(size);
  out.allocatable = out.capacity;
  RuntimeObservation runtime;
  runtime.name = "containerd";
  runtime.version = "1.6.20";
  runtime.runtime_ready = {true, true, "", ""};
  runtime.network_ready = {true, network, network ? "" : "NetworkPluginNotReady", network ? "" : "cni plugin not initialized"};
  out.runtime = runtime;
  return out;
}

const NodeCondition& condition(const Node& node, std::string_view type) {
  for (const auto& c : node.status.conditions)
    if (c.type == type) return c;
  static const NodeCondition none;
  return none;
}

const api::Time first = api::time_from_unix(1000, 0);
const api::Time second = api::time_from_unix(2000, 0);

TEST(NodeStatus, ConditionsReasonsEvents) {
  std::vector<NodeEvent> said;
  NodeObservation seen = observation(false);
  const Node registered = update_node(initial_node(identity(), seen.machine), identity(), seen, first, said);
  EXPECT_EQ(said.size(), 3u);  // the pressures; Ready was not there before
  EXPECT_EQ(said[0].message, "Node n1 status is now: NodeHasSufficientMemory");
  std::string order;
  for (const auto& c : registered.status.conditions) order += c.type + " ";
  EXPECT_EQ(order, "MemoryPressure DiskPressure PIDPressure Ready ");
  EXPECT_EQ(condition(registered, "Ready").reason, "KubeletNotReady");
  EXPECT_EQ(condition(registered, "Ready").message,
            "container runtime network not ready: NetworkReady=false reason:NetworkPluginNotReady message:cni plugin not initialized");
  EXPECT_EQ(registered.status.node_info.container_runtime_version, "containerd://1.6.20");
  EXPECT_EQ(registered.status.addresses.size(), 2u);

  said.clear();
  const Node ready = update_node(registered, identity(), observation(true), second, said);
  ASSERT_EQ(said.size(), 1u);
  EXPECT_EQ(said[0].reason, "NodeReady");
  EXPECT_EQ(condition(ready, "Ready").message, "kubelet is posting ready status");
  EXPECT_EQ(condition(ready, "Ready").last_transition_time, second);
  EXPECT_EQ(condition(ready, "MemoryPressure").last_transition_time, first);
  EXPECT_TRUE(is_ready(ready));

  said.clear();
  const Node same = update_node(ready, identity(), observation(true), api::time_from_unix(3000, 0), said);
  EXPECT_TRUE(said.empty());
  EXPECT_FALSE(status_changed(ready.status, same.status));  // heartbeats alone

  seen = observation(true);
  seen.runtime_silent = true;
  seen.other_errors = {"node is shutting down"};
  seen.pressure.disk = true;
  seen.machine.boot_id = "boot-2";
  said.clear();
  const Node bad = update_node(ready, identity(), seen, api::time_from_unix(3000, 0), said);
  EXPECT_EQ(condition(bad, "Ready").message, "[container runtime is down, node is shutting down]");
  EXPECT_EQ(condition(bad, "DiskPressure").reason, "KubeletHasDiskPressure");
  ASSERT_EQ(said.size(), 3u);
  EXPECT_TRUE(said[0].warning);
  EXPECT_EQ(said[0].message, "Node n1 has been rebooted, boot id: boot-2");
  EXPECT_TRUE(status_changed(ready.status, bad.status));
}

std::string json(const Node& node) {
  std::string out;
  api::encode_json(api::core_v1::types::Node, &node, out);
  return out;
}

// The patch turns one into the other, for an object that others have changed meanwhile too.
void check_patch(const Node& before, const Node& after) {
  const auto patch = codec::parse_json(node_patch(before, after));
  ASSERT_TRUE(patch.has_value()) << node_patch(before, after);
  auto document = codec::parse_json(json(before));
  auto patched = apimachinery::apply_strategic_patch(std::move(*document), *patch, api::core_v1::types::Node);
  ASSERT_TRUE(patched.has_value());
  Node out;
  ASSERT_TRUE(api::decode_json(codec::to_json(*patched), api::core_v1::types::Node, &out).has_value());
  EXPECT_EQ(json(out), json(after));
}

TEST(NodeStatus, PatchLeadsFromOneToTheOther) {
  std::vector<NodeEvent> said;
  const Node empty = initial_node(identity(), machine());
  NodeObservation seen = observation(false);
  seen.images = {{{"a@sha256:1", "a:1"}, 10}, {{"b:1"}, 20}};
  NodeIdentity dual = identity();
  dual.ips = {"10.0.0.1", "fd00::1"};
  Node full = update_node(empty, dual, seen, first, said);
  full.status.capacity["example.com/gpu"] = api::Quantity::from_int(1);
  full.status.volumes_in_use = {"kubernetes.io/csi/x"};  // of another kubelet
  check_patch(empty, full);
  NodeObservation later = observation(true);
  later.capacity.erase("hugepages-2Mi");
  EXPECT_EQ(update_node(full, identity(), later, second, said).status.volumes_in_use, full.status.volumes_in_use) << "nobody knows yet";
  later.volumes_in_use.emplace();
  Node ready = update_node(full, identity(), later, second, said);
  EXPECT_EQ(ready.status.capacity.get("hugepages-2Mi"), nullptr);
  EXPECT_TRUE(ready.status.volumes_in_use.empty());
  ready.metadata.labels["kubernetes.io/hostname"] = "other";
  ready.metadata.annotations.clear();
  check_patch(full, ready);
  check_patch(ready, ready);
}

// An administrator advertises an extended resource by patching capacity alone, and takes it back so.
TEST(NodeStatus, WhatOthersAdvertiseIsForPods) {
  std::vector<NodeEvent> said;
  Node node = update_node(initial_node(identity(), machine()), identity(), observation(true), first, said);
  const Node plain = node;
  node.status.capacity["example.com/gpu"] = api::Quantity::from_int(4);
  const Node advertised = update_node(node, identity(), observation(true), second, said);
  ASSERT_NE(advertised.status.allocatable.get("example.com/gpu"), nullptr);
  EXPECT_EQ(advertised.status.allocatable.get("example.com/gpu")->text(), "4");
  EXPECT_TRUE(status_changed(node.status, advertised.status));
  check_patch(node, advertised);

  Node fewer = advertised;
  fewer.status.capacity["example.com/gpu"] = api::Quantity::from_int(1);
  EXPECT_EQ(update_node(fewer, identity(), observation(true), second, said).status.allocatable.get("example.com/gpu")->text(), "1");

  Node taken_back = advertised;
  taken_back.status.capacity.erase("example.com/gpu");
  const Node without = update_node(taken_back, identity(), observation(true), second, said);
  EXPECT_EQ(text(without.status.allocatable), text(plain.status.allocatable));
  check_patch(taken_back, without);
}

TEST(NodeStatus, ReconcilesWhatWasRegisteredBefore) {
  Node initial = initial_node(identity(), machine());
  Node existing = initial;
  existing.metadata.labels["team"] = "a";
  EXPECT_FALSE(reconcile_node(existing, initial));
  existing.metadata.labels["kubernetes.io/hostname"] = "old";
  existing.metadata.annotations.clear();
  EXPECT_TRUE(reconcile_node(existing, initial));
  EXPECT_EQ(*existing.metadata.labels.get("kubernetes.io/hostname"), "n1");
  EXPECT_EQ(*existing.metadata.labels.get("team"), "a");
  EXPECT_EQ(*existing.metadata.annotations.get("volumes.kubernetes.io/controller-managed-attach-detach"), "true");
}

TEST(NodeStatus, Images) {
  std::vector<api::core_v1::ContainerImage> images = {{{"small"}, 1}, {{"1", "2", "3", "4", "5", "6"}, 3}, {{"middle"}, 2}};
  const auto shown = status_images(images, 2);
  ASSERT_EQ(shown.size(), 2u);
  EXPECT_EQ(shown[0].names.size(), 5u);
  EXPECT_EQ(shown[1].names[0], "middle");
  EXPECT_EQ(status_images(images, -1).size(), 3u);
}

TEST(NodeStatus, VersionOfTheRuntime) {
  for (const auto& [told, shown] : {std::pair{"1.6.20", "1.6.20"},
                                    {"v2.1.1", "2.1.1"},
                                    {"1.6.20~ds1", "1.6.20"},
                                    {"2.0.0-rc.1", "2.0.0-rc.1"},
                                    {"1.7.2+deb12u1", "1.7.2+deb12u1"},
                                    {"1.7-2", "1.7"},
                                    {"main", "main"}}) {
    EXPECT_EQ(shown_runtime_version(told), shown);
  }
}

}  // namespace
}  // namespace pintle::kubelet::node

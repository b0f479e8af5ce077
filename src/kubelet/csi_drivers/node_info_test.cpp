#include "kubelet/csi_drivers/node_info.h"

#include <gtest/gtest.h>

#include "api/codec.h"

namespace pintle::kubelet::csi_drivers {
namespace {

using api::core_v1::Node;
using api::storage_v1::CSINode;

void check_version(std::vector<std::string> offered, std::string_view highest) {
  const auto version = highest_version(offered);
  std::string text;
  if (version) {
    for (const uint32_t part : *version) text += (text.empty() ? "" : ".") + std::to_string(part);
  } else {
    text = version.error().message;
  }
  EXPECT_EQ(text, highest);
}

TEST(CsiNodeInfo, Versions) {
  check_version({"1.0.0"}, "1.0.0");
  check_version({"v1.2.0", "1.10.0", "1.9.0"}, "1.10.0");
  check_version({"0.3.0", "1.0.0-rc1", "2.0.0"}, "1.0.0");
  check_version({"x", "1.1"}, "1.1");
  check_version({}, "Plugin returned an empty list for supported versions");
  check_version({"0.3.0"}, "None of the versions specified [\"0.3.0\"] are supported: one must be v1.x");
  check_version({"2.0.0", "1"}, "None of the versions specified [\"2.0.0,1\"] are supported: one must be v1.x");
  check_version({"99999999999.1"}, "None of the versions specified [\"99999999999.1\"] are supported: one must be v1.x");
}

TEST(CsiNodeInfo, Names) {
  for (const auto* good : {"hostpath.csi.k8s.io", "Driver.example.com", "a"}) EXPECT_TRUE(check_driver_name(good)) << good;
  for (const auto* bad : {"", "../x", "a/b", ".", "a b", "-a"}) EXPECT_FALSE(check_driver_name(bad)) << bad;
  EXPECT_FALSE(check_driver_name(std::string(64, 'a')));
  EXPECT_TRUE(check_driver_name(std::string(63, 'a')));
}

DriverOnNode driver(std::string name, std::string id, FlatMap<std::string> topology = {}, int64_t volumes_max = 0) {
  api::csi_v1::NodeGetInfoResponse info;
  info.node_id = std::move(id);
  info.max_volumes_per_node = volumes_max;
  if (!topology.empty()) info.accessible_topology.ensure().segments = std::move(topology);
  return *driver_on_node(std::move(name), std::move(info));
}

std::string drivers_of(const CSINode& csi_node) {
  std::string out;
  for (const auto& one : csi_node.spec.drivers) {
    out += one.name + "=" + one.node_id;
    for (const auto& key : one.topology_keys) out += "," + key;
    if (one.allocatable && one.allocatable->count) out += "#" + std::to_string(*one.allocatable->count);
    out += " ";
  }
  return out;
}

TEST(CsiNodeInfo, CsiNode) {
  CSINode node = new_csi_node("n1", "u1");
  EXPECT_TRUE(is_of_node(node, "n1", "u1"));
  EXPECT_FALSE(is_of_node(node, "n1", "u2"));
  EXPECT_FALSE(set_migrated(node));
  EXPECT_EQ(node.metadata.owner_references.at(0).api_version, "v1");
  EXPECT_TRUE(install(node, driver("a", "i-1", {{"zone", "z"}, {"rack", "r"}}, 8)));
  EXPECT_FALSE(install(node, driver("a", "i-1", {{"rack", "r"}, {"zone", "z"}}, 8)));
  EXPECT_TRUE(install(node, driver("b", "i-1")));
  EXPECT_EQ(drivers_of(node), "a=i-1,rack,zone#8 b=i-1 ");
  EXPECT_TRUE(install(node, driver("a", "i-2", {}, -1)));  // came back as another: the last one
  EXPECT_EQ(drivers_of(node), "b=i-1 a=i-2 ");
  EXPECT_TRUE(install(node, driver("a", "i-2", {}, 1LL << 40)));
  EXPECT_EQ(drivers_of(node), "b=i-1 a=i-2#2147483647 ");
  EXPECT_TRUE(uninstall(node, "b"));
  EXPECT_FALSE(uninstall(node, "b"));
  EXPECT_EQ(drivers_of(node), "a=i-2#2147483647 ");
  api::csi_v1::NodeGetInfoResponse nothing;
  EXPECT_FALSE(driver_on_node("a", nothing));
  api::csi_v1::NodeGetInfoResponse much;
  much.node_id = std::string(node_id_bytes_max, 'x');
  for (std::size_t i = 0; i < topology_keys_max; ++i) much.accessible_topology.ensure().segments["k" + std::to_string(i)] = "v";
  EXPECT_TRUE(driver_on_node("a", much));
  much.accessible_topology->segments["more"] = "v";
  EXPECT_FALSE(driver_on_node("a", much));
  much.accessible_topology.reset();
  much.node_id += 'x';
  EXPECT_FALSE(driver_on_node("a", much));
}

void check_install(const Node& node, const DriverOnNode& one, std::string_view patch) {
  const auto made = install_patch(node, one);
  EXPECT_EQ(made ? *made : made.error().message, patch);
}

TEST(CsiNodeInfo, NodePatches) {
  Node node;
  node.metadata.uid = "u1";
  check_install(node, driver("a", "i-1", {{"zone", "z"}}),
                R"({"metadata":{"annotations":{"csi.volume.kubernetes.io/nodeid":"{\"a\":\"i-1\"}"},"labels":{"zone":"z"},"uid":"u1"}})");
  node.metadata.annotations[std::string(node_ids_annotation)] = R"({"a":"i-1","b":"j"})";
  node.metadata.labels["zone"] = "z";
  check_install(node, driver("a", "i-1", {{"zone", "z"}}), "");
  check_install(node, driver("a", "i-1", {{"zone", "y"}}),
                R"(detected topology value collision: driver reported "zone":"y" but existing label is "zone":"z")");
  check_install(node, driver("a", "i-2"),
                R"({"metadata":{"annotations":{"csi.volume.kubernetes.io/nodeid":"{\"a\":\"i-2\",\"b\":\"j\"}"},"uid":"u1"}})");
  EXPECT_EQ(uninstall_patch(node, "b"), R"({"metadata":{"annotations":{"csi.volume.kubernetes.io/nodeid":"{\"a\":\"i-1\"}"},"uid":"u1"}})");
  EXPECT_EQ(uninstall_patch(node, "c"), "");
  node.metadata.annotations[std::string(node_ids_annotation)] = R"({"a":"i-1"})";
  EXPECT_EQ(uninstall_patch(node, "a"), R"({"metadata":{"annotations":{"csi.volume.kubernetes.io/nodeid":null},"uid":"u1"}})");
  node.metadata.annotations[std::string(node_ids_annotation)] = "no map";
  check_install(node, driver("a", "i-1"), R"({"metadata":{"annotations":{"csi.volume.kubernetes.io/nodeid":"{\"a\":\"i-1\"}"},"uid":"u1"}})");
}

}  // namespace
}  // namespace pintle::kubelet::csi_drivers

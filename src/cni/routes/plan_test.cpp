#include "cni/routes/plan.h"

#include <gtest/gtest.h>

#include <set>

#include "api/codec.h"
#include "codec/yaml.h"

namespace pintle::cni::routes {
namespace {

NodeInfo node(std::string name, std::vector<std::string_view> cidrs, std::vector<std::string_view> addresses, std::string mac = "") {
  NodeInfo out;
  out.name = std::move(name);
  for (const auto text : cidrs) out.pod_cidrs.push_back(*parse_prefix(text));
  for (const auto text : addresses) out.addresses.push_back(*parse_address(text));
  out.vxlan_mac = std::move(mac);
  return out;
}

std::map<std::string, NodeInfo> three_nodes() {
  std::map<std::string, NodeInfo> out;
  out["a"] = node("a", {"10.42.0.0/24", "fd00:42::/64"}, {"192.168.0.1", "2001:db8::1"}, "0a:00:00:00:00:01");
  out["b"] = node("b", {"10.42.1.0/24", "fd00:42:0:1::/64"}, {"192.168.0.2", "2001:db8::2"}, "0a:00:00:00:00:02");
  out["c"] = node("c", {"10.42.2.0/24"}, {"192.168.0.3"});
  return out;
}

std::set<std::string> texts(const Entries& entries) {
  std::set<std::string> out;
  for (const auto& route : entries.routes)
    out.insert("route " + route.destination + " via " + route.gateway + (route.on_link ? " onlink dev " + std::to_string(route.link_index) : ""));
  for (const auto& entry : entries.neighbours) out.insert("neighbour " + entry.ip + " " + entry.mac);
  for (const auto& entry : entries.forwarding) out.insert("forward " + entry.mac + " " + entry.ip);
  for (const auto& address : entries.addresses) out.insert("address " + address);
  return out;
}
using Texts = std::set<std::string>;

TEST(RoutesPlan, HostGateway) {
  EXPECT_EQ(texts(plan_entries(Mode::HostGateway, "a", three_nodes(), 0)),
            (Texts{"route 10.42.1.0/24 via 192.168.0.2", "route fd00:42:0:1::/64 via 2001:db8::2", "route 10.42.2.0/24 via 192.168.0.3"}));
}

TEST(RoutesPlan, VxlanLeavesOutWhoHasNotPublished) {
  EXPECT_EQ(texts(plan_entries(Mode::Vxlan, "a", three_nodes(), 7)),
            (Texts{"address 10.42.0.0/32", "address fd00:42::/128", "route 10.42.1.0/24 via 10.42.1.0 onlink dev 7",
                   "route fd00:42:0:1::/64 via fd00:42:0:1:: onlink dev 7", "neighbour 10.42.1.0 0a:00:00:00:00:02",
                   "neighbour fd00:42:0:1:: 0a:00:00:00:00:02", "forward 0a:00:00:00:00:02 192.168.0.2"}));
}

TEST(RoutesPlan, NothingWithoutMeans) {
  EXPECT_TRUE(texts(plan_entries(Mode::None, "a", three_nodes(), 0)).empty());
  EXPECT_TRUE(texts(plan_entries(Mode::Vxlan, "unknown", three_nodes(), 7)).empty());
  auto nodes = three_nodes();
  nodes["a"].addresses.clear();
  EXPECT_TRUE(texts(plan_entries(Mode::HostGateway, "a", nodes, 0)).empty());
  nodes = three_nodes();
  nodes["b"].addresses.clear();
  nodes["c"].pod_cidrs.clear();
  EXPECT_TRUE(texts(plan_entries(Mode::HostGateway, "a", nodes, 0)).empty());
}

TEST(RoutesPlan, ComparesWhatMatters) {
  const Entries wanted = plan_entries(Mode::Vxlan, "a", three_nodes(), 7);
  Entries actual = wanted;
  actual.routes[0].scope = 3;  // the kernel's own business
  EXPECT_TRUE(compare(wanted, actual).empty());
  auto changed = three_nodes();
  changed["b"].addresses[0] = *parse_address("192.168.0.9");
  changed["b"].vxlan_mac = "0a:00:00:00:00:09";
  const Difference difference = compare(plan_entries(Mode::Vxlan, "a", changed, 7), actual);
  EXPECT_EQ(texts(difference.add),
            (Texts{"neighbour 10.42.1.0 0a:00:00:00:00:09", "neighbour fd00:42:0:1:: 0a:00:00:00:00:09", "forward 0a:00:00:00:00:09 192.168.0.9"}));
  EXPECT_EQ(texts(difference.remove),
            (Texts{"neighbour 10.42.1.0 0a:00:00:00:00:02", "neighbour fd00:42:0:1:: 0a:00:00:00:00:02", "forward 0a:00:00:00:00:02 192.168.0.2"}));
  Entries moved = plan_entries(Mode::HostGateway, "a", three_nodes(), 0);
  for (auto& route : moved.routes) route.link_index = 2;  // the kernel finds the link by the gateway
  EXPECT_TRUE(compare(plan_entries(Mode::HostGateway, "a", three_nodes(), 0), moved).empty());
}

TEST(RoutesPlan, VxlanDevice) {
  const auto device = plan_vxlan(three_nodes()["a"], 1, 8472, 2, 1500);
  ASSERT_TRUE(device);
  EXPECT_EQ(device->mtu, 1450u);
  EXPECT_EQ(device->local.to_string(), "192.168.0.1");
  EXPECT_EQ(device->mac, plan_vxlan(three_nodes()["a"], 1, 8472, 2, 1500)->mac);
  EXPECT_NE(device->mac, plan_vxlan(three_nodes()["b"], 1, 8472, 2, 1500)->mac);
  EXPECT_NE(device->mac, plan_vxlan(three_nodes()["a"], 1, 4789, 2, 1500)->mac);
  EXPECT_EQ(std::stoi(device->mac.substr(0, 2), nullptr, 16) & 3, 2) << device->mac;
  EXPECT_EQ(plan_vxlan(node("x", {}, {"2001:db8::1"}), 1, 8472, 2, 1500)->mtu, 1430u);
  EXPECT_FALSE(plan_vxlan(node("x", {}, {}), 1, 8472, 2, 1500));
  EXPECT_EQ(pod_mtu(Mode::HostGateway, IpFamily::IPv4, 9000), 9000u);
}

TEST(RoutesPlan, Masquerade) {
  EXPECT_EQ(
      masquerade_commands({*parse_prefix("10.42.0.0/24"), *parse_prefix("fd00:42::/64")}, {*parse_prefix("10.42.0.0/16")}),
      "add table inet pintle-masquerade\ndelete table inet pintle-masquerade\nadd table inet pintle-masquerade { comment \"pods that leave the "
      "cluster\" ; }\n"
      "add chain inet pintle-masquerade postrouting { type nat hook postrouting priority 100 ; }\n"
      "add rule inet pintle-masquerade postrouting ip saddr { 10.42.0.0/24 } ip daddr != { 10.42.0.0/16, 224.0.0.0/4 } masquerade fully-random\n");
  EXPECT_EQ(masquerade_commands({}, {*parse_prefix("10.42.0.0/16")}), "");
  EXPECT_EQ(masquerade_commands({*parse_prefix("10.42.0.0/24")}, {}), "");
}

TEST(RoutesPlan, ReadsNodes) {
  const char* text =
      "metadata: {name: node, annotations: {pintle.dev/vxlan-mac: \"0A:00:00:00:00:01\"}}\nspec: {podCIDR: 10.42.3.0/24, podCIDRs: [10.42.3.0/24, "
      "\"fd00::/64\", nonsense]}\n"
      "status: {addresses: [{type: Hostname, address: node}, {type: ExternalIP, address: 1.2.3.4}, {type: InternalIP, address: 192.168.0.7}]}\n";
  api::core_v1::Node from;
  ASSERT_TRUE(api::decode_value(*codec::parse_yaml(text), api::type_of<api::core_v1::Node>(), &from));
  EXPECT_EQ(read_node(from), node("node", {"10.42.3.0/24", "fd00::/64"}, {"192.168.0.7"}, "0a:00:00:00:00:01"));
  from.metadata.annotations[vxlan_mac_annotation] = "nonsense";
  EXPECT_EQ(read_node(from).vxlan_mac, "");
  for (const char* good : {"none", "host-gw", "vxlan"}) EXPECT_TRUE(parse_mode(good));
  EXPECT_FALSE(parse_mode("geneve"));
}

}  // namespace
}  // namespace pintle::cni::routes

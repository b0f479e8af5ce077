#include "proxy/nftables/node_config.h"

#include <gtest/gtest.h>

#include "api/codec.h"
#include "api/defaults.h"
#include "codec/yaml.h"

namespace pintle::proxy::nftables {
namespace {

template <class T>
T read(const std::string& yaml) {
  T out;
  EXPECT_TRUE(api::decode_value(*codec::parse_yaml(yaml), api::type_of<T>(), &out)) << yaml;
  return out;
}
Configuration config_of(const std::string& yaml) {
  auto out = read<Configuration>("{" + yaml + "}");
  api::apply_defaults(api::type_of<Configuration>(), &out);
  return out;
}
const std::string node_text =
    "{metadata: {name: node, labels: {topology.kubernetes.io/zone: z1}}, spec: {podCIDRs: [10.42.1.0/24, \"fd00:42::/64\"]}, "
    "status: {addresses: [{type: ExternalIP, address: 1.2.3.4}, {type: InternalIP, address: 192.168.0.5}]}}";

RulesConfig made(const std::string& yaml, Family family = Family::IPv4, bool registered = true) {
  const auto node = read<api::core_v1::Node>(node_text);
  const std::vector<Prefix> ranges = {*parse_prefix("172.30.0.0/16"), *parse_prefix("172.30.1.0/24"), *parse_prefix("fd00:96::/112")};
  const std::vector<Address> local = {*parse_address("127.0.0.1"), *parse_address("192.168.0.5"), *parse_address("10.0.0.9"),
                                      *parse_address("fd00::5")};
  NodeFacts facts;
  facts.node_name = "node";
  facts.node = registered ? &node : nullptr;
  facts.service_cidrs = ranges;
  facts.local_addresses = local;
  return make_rules_config(family, config_of(yaml), facts);
}
std::string node_ports(const RulesConfig& config) {
  std::string out = config.node_ports_everywhere ? "everywhere" : "";
  for (const Address& address : config.node_port_ips) out += (out.empty() ? "" : " ") + address.to_string();
  return out;
}

TEST(NodeConfig, Facts) {
  const auto config = made("");
  EXPECT_EQ(config.zone, "z1");
  EXPECT_EQ(config.node_ip->to_string(), "192.168.0.5");
  ASSERT_EQ(config.service_cidrs.size(), 1u);
  EXPECT_EQ(config.masquerade_mark, 0x4000u);
  EXPECT_EQ(made("nftables: {masqueradeBit: 5, masqueradeAll: true}").masquerade_mark, 32u);
  EXPECT_EQ(made("bindAddress: 10.9.9.9").node_ip->to_string(), "10.9.9.9");
  EXPECT_EQ(made("bindAddress: 0.0.0.0").node_ip->to_string(), "192.168.0.5");
}

TEST(NodeConfig, LocalDetection) {
  EXPECT_EQ(made("").if_local, "");
  EXPECT_EQ(made("clusterCIDR: \"10.42.0.0/16,fd00:42::/48\"").if_local, "ip saddr 10.42.0.0/16");
  EXPECT_EQ(made("clusterCIDR: \"10.42.0.0/16,fd00:42::/48\"", Family::IPv6).if_not_local, "ip6 saddr != fd00:42::/48");
  EXPECT_EQ(made("detectLocalMode: NodeCIDR").if_local, "ip saddr 10.42.1.0/24");
  EXPECT_EQ(made("detectLocalMode: NodeCIDR", Family::IPv4, false).if_local, "");
  EXPECT_EQ(made("detectLocalMode: BridgeInterface, detectLocal: {bridgeInterface: cni0}").if_not_local, "iifname != \"cni0\"");
  EXPECT_EQ(made("detectLocalMode: InterfaceNamePrefix, detectLocal: {interfaceNamePrefix: veth}").if_local, "iifname \"veth*\"");
}

TEST(NodeConfig, NodePortAddresses) {
  EXPECT_EQ(node_ports(made("")), "192.168.0.5");
  EXPECT_EQ(node_ports(made("nodePortAddresses: [primary]")), "192.168.0.5");
  EXPECT_EQ(node_ports(made("", Family::IPv6)), "everywhere");  // the node has no address of that family
  EXPECT_EQ(node_ports(made("", Family::IPv4, false)), "");     // not registered yet: nowhere
  EXPECT_EQ(node_ports(made("nodePortAddresses: [10.0.0.0/8, 127.0.0.0/8]")), "10.0.0.9");
  EXPECT_EQ(node_ports(made("nodePortAddresses: [0.0.0.0/0]")), "everywhere");
  EXPECT_EQ(node_ports(made("nodePortAddresses: [10.0.0.0/8]", Family::IPv6)), "everywhere");
  EXPECT_EQ(node_ports(made("nodePortAddresses: [11.0.0.0/8]")), "");
}

TEST(NodeConfig, Validation) {
  const auto check = [](const std::string& yaml, std::string_view part) {
    const auto valid = validate(config_of(yaml));
    if (part.empty()) {
      EXPECT_TRUE(valid) << yaml;
      return;
    }
    ASSERT_FALSE(valid) << yaml;
    EXPECT_NE(valid.error().message.find(part), std::string::npos) << valid.error().message;
  };
  check("", "");
  check("mode: nftables", "");
  check("mode: iptables", "nftables only");
  check("mode: ipvs", "nftables only");
  check("nftables: {masqueradeBit: 32}", "[0, 31]");
  check("nftables: {syncPeriod: 1s, minSyncPeriod: 2s}", "minSyncPeriod");
  check("clusterCIDR: \"10.0.0.0\"", "clusterCIDR");
  check("nodePortAddresses: [x]", "nodePortAddresses");
  check("nodePortAddresses: [primary, 10.0.0.0/8]", "nodePortAddresses");
  check("bindAddress: x", "bindAddress");
  check("detectLocalMode: BridgeInterface", "bridgeInterface");
  check("detectLocalMode: InterfaceNamePrefix", "interfaceNamePrefix");
  check("featureGates: {NoSuchGate: true}", "unrecognized feature gate: NoSuchGate");
  check("oomScoreAdj: 1001", "oomScoreAdj");
  check("conntrack: {min: -1}", "conntrack.min");
  check("conntrack: {udpTimeout: -1s}", "conntrack.udpTimeout");
  check("logging: {format: xml}", "logging.format");
  check("configSyncPeriod: -1s", "configSyncPeriod");
  check("clientConnection: {burst: -1}", "clientConnection.burst");
  check("detectLocalMode: BridgeInterface, detectLocal: {bridgeInterface: \"a\\\" drop\"}", "not the name of an interface");
}

TEST(NodeConfig, Eligibility) {
  auto node = read<api::core_v1::Node>(node_text);
  EXPECT_TRUE(is_node_eligible(node));
  node.spec.taints.emplace_back().key = "ToBeDeletedByClusterAutoscaler";
  EXPECT_FALSE(is_node_eligible(node));
  node.spec.taints.clear();
  node.metadata.deletion_timestamp = api::time_from_unix(1, 0);
  EXPECT_FALSE(is_node_eligible(node));
}

}  // namespace
}  // namespace pintle::proxy::nftables

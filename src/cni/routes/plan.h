// Which routes, neighbours and forwarding entries lead to the other nodes' pods. Pure.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "api/gen/core_v1.h"
#include "base/ip_address.h"
#include "base/status.h"
#include "os/netlink/netlink.h"

namespace pintle::cni::routes {

enum class Mode : uint8_t {
  None,         // another network connects the pods
  HostGateway,  // "host-gw": by the node's own address; all nodes share a link
  Vxlan,        // "vxlan": in UDP from node to node, wherever they are
};
Result<Mode> parse_mode(std::string_view text);

// What is read of a Node.
struct NodeInfo {
  std::string name;
  std::vector<IpPrefix> pod_cidrs;
  std::vector<IpAddress> addresses;  // InternalIPs, in the API's order
  std::string vxlan_mac;             // annotation pintle.dev/vxlan-mac; "": not published yet

  bool operator==(const NodeInfo&) const = default;
  const IpAddress* address(IpFamily family) const;
};
NodeInfo read_node(const api::core_v1::Node& node);

constexpr std::string_view vxlan_mac_annotation = "pintle.dev/vxlan-mac";
constexpr const char* vxlan_link_name = "pintle.1";
// Who made a route: finds ours again among the system's (a number that no routing daemon uses).
constexpr uint8_t route_protocol = 112;

// The VXLAN device of a node. Its hardware address follows from everything that cannot be changed on a device that is
// there: another address means that it has to be made anew.
struct Vxlan {
  uint32_t vni = 1;
  uint16_t port = 8472;
  uint32_t mtu = 0;
  std::string mac;
  IpAddress local;
  int underlay_index = 0;
};
// nullopt: `own` has no address yet.
std::optional<Vxlan> plan_vxlan(const NodeInfo& own, uint32_t vni, uint16_t port, int underlay_index, uint32_t underlay_mtu);
// Largest packet of a pod: the underlay's less what encapsulation adds.
uint32_t pod_mtu(Mode mode, IpFamily underlay, uint32_t underlay_mtu);

struct Entries {
  std::vector<os::netlink::Route> routes;
  std::vector<os::netlink::Neighbour> neighbours;  // of the VXLAN device
  std::vector<os::netlink::Neighbour> forwarding;  // of the VXLAN device
  std::vector<std::string> addresses;              // of the VXLAN device: "10.42.0.0/32"
};
// `nodes` includes the own one. `vxlan_index` counts in mode Vxlan alone.
Entries plan_entries(Mode mode, const std::string& own_name, const std::map<std::string, NodeInfo>& nodes, int vxlan_index);

struct Difference {
  Entries add;
  Entries remove;
  bool empty() const;
};
// `actual.routes` are those of our protocol; what the kernel fills in by itself is not compared.
Difference compare(const Entries& wanted, const Entries& actual);

// The table that hides pods behind their node's address where they leave the cluster; "" if there is nothing to hide.
// Replaces what the table held before.
std::string masquerade_commands(const std::vector<IpPrefix>& own_pod_cidrs, const std::vector<IpPrefix>& cluster_cidrs);
constexpr const char* masquerade_table = "inet pintle-masquerade";

}  // namespace pintle::cni::routes

#include "cni/routes/plan.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/strings.h"
#include "component/certificate/keys.h"
#include "os/netlink/message.h"

namespace pintle::cni::routes {
namespace {

using os::netlink::Neighbour;
using os::netlink::Route;

constexpr uint32_t vxlan_overhead_ipv4 = 50;  // Ethernet, IPv4, UDP, VXLAN
constexpr uint32_t vxlan_overhead_ipv6 = 70;

// Locally administered, unicast.
std::string mac_of(const std::string& text) {
  const std::string digest = component::sha256(text);
  std::string out;
  for (std::size_t i = 0; i < 6; ++i) {
    auto byte = static_cast<uint8_t>(digest[i]);
    if (i == 0) byte = static_cast<uint8_t>((byte & 0xfc) | 0x02);
    out += fmt::format("{}{:02x}", i == 0 ? "" : ":", byte);
  }
  return out;
}

void add_host_gateway(Entries& out, const NodeInfo& node, const IpPrefix& range) {
  const IpAddress* gateway = node.address(range.address.family);
  if (!gateway) return;
  Route route;
  route.destination = range.to_string();
  route.gateway = gateway->to_string();
  route.protocol = route_protocol;
  out.routes.push_back(std::move(route));
}

// The range's first address stands for the far end of the tunnel: nothing answers there, the neighbour entry says to which
// hardware address its packets go, and the forwarding entry to which node.
void add_tunnel(Entries& out, const NodeInfo& node, const IpPrefix& range, int vxlan_index) {
  const std::string gateway = range.address.to_string();
  Route route;
  route.destination = range.to_string();
  route.gateway = gateway;
  route.link_index = vxlan_index;
  route.protocol = route_protocol;
  route.on_link = true;
  out.routes.push_back(std::move(route));
  out.neighbours.push_back({vxlan_index, gateway, node.vxlan_mac, true});
}

bool same(const Route& a, const Route& b) {
  const bool same_link = a.link_index == b.link_index || a.link_index == 0 || b.link_index == 0;
  return a.destination == b.destination && a.gateway == b.gateway && same_link;
}
bool same(const Neighbour& a, const Neighbour& b) { return a.ip == b.ip && a.mac == b.mac; }
bool same(const std::string& a, const std::string& b) { return a == b; }

template <class T>
void compare_lists(const std::vector<T>& wanted, const std::vector<T>& actual, std::vector<T>& add, std::vector<T>& remove) {
  const auto missing = [](const std::vector<T>& from, const T& item) {
    return std::ranges::none_of(from, [&](const T& other) { return same(item, other); });
  };
  for (const T& item : wanted)
    if (missing(actual, item)) add.push_back(item);
  for (const T& item : actual)
    if (missing(wanted, item)) remove.push_back(item);
}

std::string list_of(const std::vector<IpPrefix>& prefixes, IpFamily family) {
  std::string out;
  for (const IpPrefix& prefix : outermost(prefixes))
    if (prefix.address.family == family) out += (out.empty() ? "" : ", ") + prefix.to_string();
  return out;
}

}  // namespace

Result<Mode> parse_mode(std::string_view text) {
  if (text == "none") return Mode::None;
  if (text == "host-gw") return Mode::HostGateway;
  if (text == "vxlan") return Mode::Vxlan;
  return bad_request("\"" + std::string(text) + "\" is no way to connect nodes: vxlan, host-gw or none");
}

const IpAddress* NodeInfo::address(IpFamily family) const {
  for (const IpAddress& address : addresses)
    if (address.family == family) return &address;
  return nullptr;
}

NodeInfo read_node(const api::core_v1::Node& node) {
  NodeInfo out;
  out.name = node.metadata.name;
  for (const std::string& text : node.spec.pod_cidrs)
    if (const auto range = parse_prefix(text)) out.pod_cidrs.push_back(*range);
  if (out.pod_cidrs.empty())
    if (const auto range = parse_prefix(node.spec.pod_cidr)) out.pod_cidrs.push_back(*range);
  for (const auto& entry : node.status.addresses)
    if (entry.type == "InternalIP")
      if (const auto address = parse_address(entry.address)) out.addresses.push_back(*address);
  const std::string* mac = node.metadata.annotations.get(vxlan_mac_annotation);
  if (mac && os::netlink::parse_mac(*mac)) out.vxlan_mac = to_lower(*mac);
  return out;
}

uint32_t pod_mtu(Mode mode, IpFamily underlay, uint32_t underlay_mtu) {
  if (mode != Mode::Vxlan) return underlay_mtu;
  return underlay_mtu - (underlay == IpFamily::IPv4 ? vxlan_overhead_ipv4 : vxlan_overhead_ipv6);
}

std::optional<Vxlan> plan_vxlan(const NodeInfo& own, uint32_t vni, uint16_t port, int underlay_index, uint32_t underlay_mtu) {
  if (own.addresses.empty()) return std::nullopt;
  Vxlan out;
  out.vni = vni;
  out.port = port;
  out.local = own.addresses.front();
  out.mtu = pod_mtu(Mode::Vxlan, out.local.family, underlay_mtu);
  out.mac = mac_of(fmt::format("{} {} {} {} {}", own.name, out.local.to_string(), vni, port, underlay_index));
  out.underlay_index = underlay_index;
  return out;
}

Entries plan_entries(Mode mode, const std::string& own_name, const std::map<std::string, NodeInfo>& nodes, int vxlan_index) {
  Entries out;
  const auto own = nodes.find(own_name);
  if (mode == Mode::None || own == nodes.end() || own->second.addresses.empty()) return out;
  const IpFamily underlay = own->second.addresses.front().family;
  if (mode == Mode::Vxlan)
    for (const IpPrefix& range : own->second.pod_cidrs)
      out.addresses.push_back(range.address.to_string() + (range.address.family == IpFamily::IPv4 ? "/32" : "/128"));
  for (const auto& [name, node] : nodes) {
    if (name == own_name) continue;
    if (mode == Mode::HostGateway) {
      for (const IpPrefix& range : node.pod_cidrs) add_host_gateway(out, node, range);
      continue;
    }
    const IpAddress* far_end = node.address(underlay);
    if (node.vxlan_mac.empty() || !far_end) continue;
    for (const IpPrefix& range : node.pod_cidrs) add_tunnel(out, node, range, vxlan_index);
    out.forwarding.push_back({vxlan_index, far_end->to_string(), node.vxlan_mac, true});
  }
  return out;
}

bool Difference::empty() const {
  for (const Entries* entries : {&add, &remove})
    if (!entries->routes.empty() || !entries->neighbours.empty() || !entries->forwarding.empty() || !entries->addresses.empty()) return false;
  return true;
}

Difference compare(const Entries& wanted, const Entries& actual) {
  Difference out;
  compare_lists(wanted.routes, actual.routes, out.add.routes, out.remove.routes);
  compare_lists(wanted.neighbours, actual.neighbours, out.add.neighbours, out.remove.neighbours);
  compare_lists(wanted.forwarding, actual.forwarding, out.add.forwarding, out.remove.forwarding);
  compare_lists(wanted.addresses, actual.addresses, out.add.addresses, out.remove.addresses);
  return out;
}

std::string masquerade_commands(const std::vector<IpPrefix>& own_pod_cidrs, const std::vector<IpPrefix>& cluster_cidrs) {
  std::string rules;
  for (const IpFamily family : {IpFamily::IPv4, IpFamily::IPv6}) {
    const std::string_view ip = family == IpFamily::IPv4 ? "ip" : "ip6";
    const std::string_view multicast = family == IpFamily::IPv4 ? "224.0.0.0/4" : "ff00::/8";
    const std::string from = list_of(own_pod_cidrs, family);
    std::vector<IpPrefix> inside = cluster_cidrs;
    inside.push_back(*parse_prefix(multicast));
    if (from.empty() || list_of(cluster_cidrs, family).empty()) continue;
    rules += fmt::format("add rule {} postrouting {} saddr {{ {} }} {} daddr != {{ {} }} masquerade fully-random\n", masquerade_table, ip, from, ip,
                         list_of(inside, family));
  }
  if (rules.empty()) return "";
  return fmt::format(
             "add table {0}\ndelete table {0}\nadd table {0} {{ comment \"pods that leave the cluster\" ; }}\n"
             "add chain {0} postrouting {{ type nat hook postrouting priority 100 ; }}\n",
             masquerade_table) +
         rules;
}

}  // namespace pintle::cni::routes

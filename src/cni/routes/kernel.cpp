#include "cni/routes/kernel.h"

#include <algorithm>
#include <utility>

namespace pintle::cni::routes {
namespace {

using os::netlink::Netlink;

// Keeps the first failure and goes on.
class Outcome {
 public:
  void operator()(Result<Unit> done, Reason harmless) {
    if (!done && done.error().reason != harmless && result_) result_ = std::move(done);
  }
  Result<Unit> take() { return std::move(result_); }

 private:
  Result<Unit> result_ = Unit{};
};

}  // namespace

Result<Underlay> find_underlay(Netlink& netlink, const IpAddress& address) {
  TRY_ASSIGN(const auto addresses, netlink.addresses());
  const std::string text = address.to_string();
  const auto found = std::ranges::find_if(addresses, [&](const auto& entry) { return entry.prefix.substr(0, entry.prefix.find('/')) == text; });
  if (found == addresses.end()) return error(Reason::NotFound, "no interface has the node's address " + text);
  TRY_ASSIGN(const auto links, netlink.links());
  for (const auto& link : links)
    if (link.index == found->link_index) return Underlay{link.index, link.mtu};
  return error(Reason::NotFound, "the interface with the node's address " + text + " went away");
}

Result<int> ensure_vxlan(Netlink& netlink, const Vxlan& vxlan) {
  auto link = netlink.link(vxlan_link_name);
  if (link && (link->kind != "vxlan" || link->mac != vxlan.mac || link->mtu != vxlan.mtu)) {
    TRY(netlink.remove_link(link->index));
    link = error(Reason::NotFound, "");
  }
  if (!link) {
    if (link.error().reason != Reason::NotFound) return Unexpected(std::move(link).error());
    os::netlink::VxlanOptions options;
    options.name = vxlan_link_name;
    options.vni = vxlan.vni;
    options.port = vxlan.port;
    options.local_address = vxlan.local.to_string();
    options.underlay_index = vxlan.underlay_index;
    options.mac = vxlan.mac;
    options.mtu = vxlan.mtu;
    link = netlink.add_vxlan(options);
    if (!link) return Unexpected(std::move(link).error());
  }
  if (!link->up) TRY(netlink.set_up(link->index, true));
  return link->index;
}

Result<Entries> read_entries(Netlink& netlink, int vxlan_index) {
  Entries out;
  TRY_ASSIGN(out.routes, netlink.routes());
  std::erase_if(out.routes, [](const auto& route) { return route.protocol != route_protocol; });
  if (vxlan_index == 0) return out;
  TRY_ASSIGN(out.neighbours, netlink.neighbours(vxlan_index));
  std::erase_if(out.neighbours, [](const auto& entry) { return !entry.permanent; });
  TRY_ASSIGN(out.forwarding, netlink.forwarding_entries(vxlan_index));
  std::erase_if(out.forwarding, [](const auto& entry) { return entry.ip.empty(); });
  TRY_ASSIGN(const auto addresses, netlink.addresses());
  for (const auto& entry : addresses)
    if (entry.link_index == vxlan_index && !entry.prefix.starts_with("fe80:")) out.addresses.push_back(entry.prefix);
  return out;
}

Result<Unit> apply(Netlink& netlink, const Difference& difference, int vxlan_index) {
  Outcome outcome;
  for (const auto& route : difference.remove.routes) outcome(netlink.remove_route(route), Reason::NotFound);
  for (const auto& entry : difference.remove.neighbours) outcome(netlink.remove_neighbour(entry), Reason::NotFound);
  for (const auto& entry : difference.remove.forwarding) outcome(netlink.remove_forwarding_entry(entry), Reason::NotFound);
  for (const auto& address : difference.remove.addresses) outcome(netlink.remove_address(vxlan_index, address), Reason::NotFound);
  for (const auto& address : difference.add.addresses) outcome(netlink.replace_address(vxlan_index, address), Reason::AlreadyExists);
  for (const auto& entry : difference.add.forwarding) outcome(netlink.replace_forwarding_entry(entry), Reason::AlreadyExists);
  for (const auto& entry : difference.add.neighbours) outcome(netlink.replace_neighbour(entry), Reason::AlreadyExists);
  for (const auto& route : difference.add.routes) outcome(netlink.replace_route(route), Reason::AlreadyExists);
  return outcome.take();
}

}  // namespace pintle::cni::routes

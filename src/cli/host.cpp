// What a node is called, and its address.
#include "cli/cluster_config.h"
#include "os/machine.h"
#include "os/netlink/netlink.h"

namespace pintle::cli {

Result<std::string> node_name(const ClusterConfig& config) {
  if (!config.node.name.empty()) return config.node.name;
  TRY_ASSIGN(const os::MachineFacts facts, os::machine_facts());
  return facts.hostname;
}

Result<std::string> node_ip(const ClusterConfig& config) {
  if (!config.node.ip.empty()) return config.node.ip;
  TRY_ASSIGN(auto netlink, os::netlink::Netlink::open());
  TRY_ASSIGN(const auto routes, netlink.routes());
  TRY_ASSIGN(const auto addresses, netlink.addresses());
  for (const auto& route : routes) {
    if ((route.destination != "0.0.0.0/0" && route.destination != "::/0") || route.link_index == 0) continue;
    if (!route.source.empty()) return route.source;
    for (const auto& address : addresses)
      if (address.link_index == route.link_index && address.scope == 0) return address.prefix.substr(0, address.prefix.find('/'));
  }
  return bad_request("this machine has no default route that tells its address: give it with --node-ip");
}

}  // namespace pintle::cli

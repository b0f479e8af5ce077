// What the table should hold, as text in nft's own language. Pure data: made by plan_base() and plan_port(), compared and
// written by Ruleset.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "proxy/types/address.h"

namespace pintle::proxy::nftables {

// The table's sets and maps that have elements of services.
enum class Container : uint8_t {
  ClusterIps,
  NodePortIps,
  HairpinConnections,
  FirewallIps,
  NoEndpointNodePorts,
  NoEndpointServices,
  ServiceIps,
  ServiceNodePorts,
};
constexpr std::size_t container_count = 8;

struct Element {
  Container container;
  std::string key;    // "10.0.0.1 . tcp . 80"
  std::string value;  // "goto CHAIN", "drop"; "" in a set
  std::string comment;
};

struct Chain {
  std::string name;
  std::vector<std::string> rules;
};

// The clients that an endpoint has seen lately.
struct AffinitySet {
  std::string name;
  uint32_t timeout_seconds = 0;
};

// What one service port (or the table itself) contributes.
struct Rules {
  std::vector<Chain> chains;
  std::vector<AffinitySet> affinity_sets;
  std::vector<Element> elements;
  // The port's traffic policy is Local, and the endpoints are all elsewhere.
  bool no_local_internal = false;
  bool no_local_external = false;
};

// What the rules depend on besides services and endpoints.
struct RulesConfig {
  Family family = Family::IPv4;
  bool masquerade_all = false;
  uint32_t masquerade_mark = 1u << 14;
  // Matches for packets from (not from) this node's pods: "ip saddr 10.0.0.0/24"; "" if that cannot be told.
  std::string if_local;
  std::string if_not_local;
  std::string node_name;
  std::string zone;
  std::optional<Address> node_ip;
  // Where node ports are served: every local address but the loopback's, or just these.
  bool node_ports_everywhere = false;
  std::vector<Address> node_port_ips;
  // Packets to an address of these that no service has are dropped.
  std::vector<Prefix> service_cidrs;

  bool operator==(const RulesConfig&) const = default;
};

}  // namespace pintle::proxy::nftables

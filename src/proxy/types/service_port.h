// One port of one Service as one IP family sees it: what a rule needs of it, and nothing else.
#pragma once

#include <compare>
#include <cstdint>
#include <string>
#include <vector>

#include "api/gen/core_v1.h"
#include "proxy/types/address.h"

namespace pintle::proxy {

enum class Protocol : uint8_t { TCP, UDP, SCTP };
// "tcp", "udp" or "sctp".
std::string_view protocol_name(Protocol protocol);

struct ServiceName {
  std::string namespace_name;
  std::string name;
  auto operator<=>(const ServiceName&) const = default;
};

struct ServicePortName {
  ServiceName service;
  std::string port;  // "" for the only, unnamed port
  Protocol protocol = Protocol::TCP;
  auto operator<=>(const ServicePortName&) const = default;
  // "ns/name:port", or "ns/name" where the port has no name.
  std::string to_string() const;
};

struct ServicePort {
  std::string name;
  Protocol protocol = Protocol::TCP;
  uint16_t port = 0;
  uint16_t node_port = 0;  // 0: none
  Address cluster_ip;
  std::vector<Address> external_ips;
  std::vector<Address> load_balancer_vips;
  std::vector<Prefix> source_ranges;  // empty: everybody may come
  uint32_t affinity_seconds = 0;      // 0: no session affinity
  uint16_t health_check_node_port = 0;
  bool external_local = false;
  bool internal_local = false;

  bool operator==(const ServicePort&) const = default;
  bool externally_accessible() const { return node_port != 0 || !load_balancer_vips.empty() || !external_ips.empty(); }
  // Even with external policy Local, traffic that starts in the cluster is spread over all endpoints.
  bool uses_cluster_endpoints() const { return !internal_local || externally_accessible(); }
  bool uses_local_endpoints() const { return internal_local || (external_local && externally_accessible()); }
};

// The ports that the proxy serves of `service` in `family`: none for headless and ExternalName services, for those that
// another proxy serves, and for services without a cluster IP of that family.
std::vector<ServicePort> service_ports(const api::core_v1::Service& service, Family family);

}  // namespace pintle::proxy

// Names of the chains and sets of one service port in table kube-proxy, as upstream's nftables proxy names them, so that
// either proxy finds and replaces what the other left, and users' tools find what they look for.
#pragma once

#include <string>

#include "proxy/types/endpoint.h"
#include "proxy/types/service_port.h"

namespace pintle::proxy::nftables {

// "HASH-namespace/service/protocol/port", no longer than an nftables name with a prefix before it may be.
std::string port_base_name(const ServicePortName& port);
// "HASH-namespace/service/protocol/port__address/port"; an IPv6 address has dots for its colons.
std::string endpoint_base_name(const ServicePortName& port, const Endpoint& endpoint);

constexpr std::string_view affinity_prefix = "affinity-";
// Chains of services have a slash in their name, the table's own ones do not.
inline bool is_service_chain(std::string_view name) { return name.find('/') != std::string_view::npos; }

}  // namespace pintle::proxy::nftables

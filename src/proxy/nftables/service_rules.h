// One service port → its chains, sets and elements.
#pragma once

#include <span>

#include "proxy/nftables/rules.h"
#include "proxy/types/endpoint.h"
#include "proxy/types/service_port.h"

namespace pintle::proxy::nftables {

// `endpoints` are in order, each once. Depends on nothing else.
Rules plan_port(const RulesConfig& config, const ServicePortName& name, const ServicePort& port, std::span<const Endpoint> endpoints);

}  // namespace pintle::proxy::nftables

// Which endpoints of a service's port this node may use, by traffic policy, readiness and topology hints.
#pragma once

#include <span>
#include <string_view>
#include <vector>

#include "proxy/types/endpoint.h"
#include "proxy/types/service_port.h"

namespace pintle::proxy {

struct NodeTopology {
  std::string_view node_name;
  std::string_view zone;  // label topology.kubernetes.io/zone; "" if there is none
};

struct EndpointChoice {
  // For traffic policy Cluster: the ready ones near this node as the hints say; if none is ready anywhere, those that
  // still serve while they terminate. Empty if the port never uses that policy.
  std::vector<const Endpoint*> cluster;
  // For traffic policy Local, by the same rule among this node's endpoints.
  std::vector<const Endpoint*> local;
  // Every endpoint that this node sends traffic to: both of the above, in order, each once.
  std::vector<const Endpoint*> reachable;
  // Some node has an endpoint that serves.
  bool any = false;
};

// The result points into `endpoints`, which are in order.
EndpointChoice choose_endpoints(const ServicePort& port, std::span<const Endpoint> endpoints, NodeTopology node);

}  // namespace pintle::proxy

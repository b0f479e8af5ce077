#include "proxy/types/topology.h"

#include <algorithm>
#include <functional>

namespace pintle::proxy {
namespace {

enum class Nearness : uint8_t { Any, SameZone, SameNode };

bool names(const std::vector<std::string>& hints, std::string_view name) { return std::ranges::find(hints, name) != hints.end(); }

// Hints count only if every ready endpoint has some and at least one names this node (or zone): traffic is never lost to
// hints that are incomplete, as in the middle of an update.
Nearness nearness(std::span<const Endpoint> endpoints, NodeTopology node) {
  bool all_node_hints = true, all_zone_hints = true, for_node = false, for_zone = false, any_ready = false;
  for (const Endpoint& endpoint : endpoints) {
    if (!endpoint.ready) continue;
    any_ready = true;
    all_node_hints &= !endpoint.node_hints.empty();
    all_zone_hints &= !endpoint.zone_hints.empty();
    for_node |= names(endpoint.node_hints, node.node_name);
    for_zone |= names(endpoint.zone_hints, node.zone);
  }
  if (!any_ready) return Nearness::Any;
  if (all_node_hints && for_node) return Nearness::SameNode;
  if (all_zone_hints && for_zone) return Nearness::SameZone;
  return Nearness::Any;
}

bool is_near(const Endpoint& endpoint, Nearness nearness, NodeTopology node) {
  switch (nearness) {
    case Nearness::SameNode: return names(endpoint.node_hints, node.node_name);
    case Nearness::SameZone: return names(endpoint.zone_hints, node.zone);
    case Nearness::Any: break;
  }
  return true;
}

bool ends_but_serves(const Endpoint& endpoint) { return endpoint.serving && endpoint.terminating; }

template <class Predicate>
std::vector<const Endpoint*> those(std::span<const Endpoint> endpoints, Predicate predicate) {
  std::vector<const Endpoint*> out;
  for (const Endpoint& endpoint : endpoints)
    if (predicate(endpoint)) out.push_back(&endpoint);
  return out;
}

}  // namespace

EndpointChoice choose_endpoints(const ServicePort& port, std::span<const Endpoint> endpoints, NodeTopology node) {
  EndpointChoice out;
  if (port.uses_cluster_endpoints()) {
    const Nearness near = nearness(endpoints, node);
    out.cluster = those(endpoints, [&](const Endpoint& e) { return e.ready && is_near(e, near, node); });
    if (out.cluster.empty()) out.cluster = those(endpoints, ends_but_serves);
    out.any = !out.cluster.empty();
  }
  if (port.uses_local_endpoints()) {
    out.local = those(endpoints, [](const Endpoint& e) { return e.local && e.ready; });
    if (out.local.empty()) out.local = those(endpoints, [](const Endpoint& e) { return e.local && ends_but_serves(e); });
    out.any = out.any || std::ranges::any_of(endpoints, [](const Endpoint& e) { return e.ready || ends_but_serves(e); });
  }
  // Both are in the order of `endpoints`, one array: their addresses order them too.
  std::ranges::set_union(out.cluster, out.local, std::back_inserter(out.reachable), std::less<>());
  return out;
}

}  // namespace pintle::proxy

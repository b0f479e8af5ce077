#include "proxy/types/endpoint.h"

#include <algorithm>
#include <optional>
#include <tuple>

namespace pintle::proxy {
namespace {

auto place(const Endpoint& endpoint) { return std::tie(endpoint.address, endpoint.port); }

std::optional<Protocol> protocol_of(const api::discovery_v1::EndpointPort& port) {
  const std::string_view text = port.protocol ? std::string_view(*port.protocol) : std::string_view("TCP");
  if (text == "TCP") return Protocol::TCP;
  if (text == "UDP") return Protocol::UDP;
  if (text == "SCTP") return Protocol::SCTP;
  return std::nullopt;
}

std::vector<Endpoint> hosts_of(const api::discovery_v1::EndpointSlice& slice, std::string_view node_name, Family family) {
  std::vector<Endpoint> out;
  for (const auto& from : slice.endpoints) {
    if (from.addresses.empty()) continue;
    const auto address = parse_address(from.addresses.front());
    if (!address || address->family != family) continue;
    Endpoint& made = out.emplace_back(Endpoint{.address = *address});
    made.local = from.node_name && !node_name.empty() && *from.node_name == node_name;
    made.ready = from.conditions.ready.value_or(true);
    made.serving = from.conditions.serving.value_or(true);
    made.terminating = from.conditions.terminating.value_or(false);
    if (!from.hints) continue;
    for (const auto& zone : from.hints->for_zones) made.zone_hints.push_back(zone.name);
    for (const auto& node : from.hints->for_nodes) made.node_hints.push_back(node.name);
  }
  return out;
}

// Of one place's endpoints the first is kept; among them those that stay come before those that end.
void sort_and_unite(std::vector<Endpoint>& endpoints) {
  std::ranges::stable_sort(endpoints, [](const Endpoint& a, const Endpoint& b) {
    if (place(a) != place(b)) return place(a) < place(b);
    return a.terminating < b.terminating;
  });
  const auto rest = std::ranges::unique(endpoints, [](const Endpoint& a, const Endpoint& b) { return place(a) == place(b); });
  endpoints.erase(rest.begin(), rest.end());
}

}  // namespace

std::string Endpoint::to_string() const {
  const std::string host = address.to_string();
  return (address.family == Family::IPv4 ? host : "[" + host + "]") + ":" + std::to_string(port);
}

SliceEndpoints slice_endpoints(const api::discovery_v1::EndpointSlice& slice, std::string_view node_name) {
  SliceEndpoints out;
  if (slice.address_type == "FQDN") return out;
  out.family = slice.address_type == "IPv6" ? Family::IPv6 : Family::IPv4;
  const std::vector<Endpoint> hosts = hosts_of(slice, node_name, out.family);
  for (const auto& port : slice.ports) {
    const auto protocol = protocol_of(port);
    if (!port.name || !protocol || !port.port || *port.port <= 0 || *port.port > 65535) continue;
    auto& list = out.ports[{*port.name, *protocol}];
    for (const Endpoint& host : hosts) list.emplace_back(host).port = static_cast<uint16_t>(*port.port);
    sort_and_unite(list);
  }
  return out;
}

EndpointsByPort merge_endpoints(const std::vector<const SliceEndpoints*>& slices) {
  EndpointsByPort out;
  for (const SliceEndpoints* slice : slices)
    for (const auto& [port, endpoints] : slice->ports) {
      auto& list = out[port];
      list.insert(list.end(), endpoints.begin(), endpoints.end());
    }
  if (slices.size() > 1)
    for (auto& [port, endpoints] : out) sort_and_unite(endpoints);
  return out;
}

}  // namespace pintle::proxy

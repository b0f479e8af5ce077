#include "proxy/types/service_port.h"

#include <algorithm>
#include <optional>
#include <utility>

namespace pintle::proxy {
namespace {

using api::core_v1::Service;

constexpr uint32_t default_affinity_seconds = 10800;
constexpr std::string_view headless_label = "service.kubernetes.io/headless";
constexpr std::string_view proxy_name_label = "service.kubernetes.io/service-proxy-name";

std::optional<Protocol> parse_protocol(std::string_view text) {
  if (text == "TCP" || text.empty()) return Protocol::TCP;
  if (text == "UDP") return Protocol::UDP;
  if (text == "SCTP") return Protocol::SCTP;
  return std::nullopt;
}

std::optional<Address> cluster_ip_of(const Service& service, Family family) {
  if (service.spec.cluster_ips.empty()) {
    const auto only = parse_address(service.spec.cluster_ip);
    return only && only->family == family ? only : std::nullopt;
  }
  for (const std::string& text : service.spec.cluster_ips)
    if (const auto address = parse_address(text); address && address->family == family) return address;
  return std::nullopt;
}

bool is_served(const Service& service) {
  if (service.spec.type == "ExternalName") return false;
  if (service.spec.cluster_ip.empty() || service.spec.cluster_ip == "None") return false;
  const auto& labels = service.metadata.labels;
  return !labels.contains(headless_label) && !labels.contains(proxy_name_label);
}

std::vector<Address> addresses_of(const std::vector<std::string>& texts, Family family) {
  std::vector<Address> out;
  for (const std::string& text : texts)
    if (const auto address = parse_address(text); address && address->family == family && std::ranges::find(out, *address) == out.end())
      out.push_back(*address);
  return out;
}

// A load balancer with ipMode Proxy answers at its address itself: traffic to it must leave the node.
std::vector<Address> vips_of(const Service& service, Family family) {
  std::vector<std::string> texts;
  for (const auto& ingress : service.status.load_balancer.ingress)
    if (!ingress.ip.empty() && ingress.ip_mode.value_or("VIP") == "VIP") texts.push_back(ingress.ip);
  return addresses_of(texts, family);
}

// Validation lets blanks around a range pass. A range of all addresses is no restriction.
std::vector<Prefix> source_ranges_of(const Service& service, Family family) {
  std::vector<Prefix> out;
  for (std::string_view text : service.spec.load_balancer_source_ranges) {
    while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
    while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
    const auto prefix = parse_prefix(text);
    if (!prefix || prefix->address.family != family) continue;
    if (prefix->bits == 0) return {};
    out.push_back(*prefix);
  }
  return outermost(std::move(out));
}

bool is_port(int32_t value) { return value > 0 && value <= 65535; }

uint32_t affinity_of(const Service& service) {
  if (service.spec.session_affinity != "ClientIP") return 0;
  const auto& config = service.spec.session_affinity_config;
  if (!config || !config->client_ip) return default_affinity_seconds;
  const int32_t seconds = config->client_ip->timeout_seconds.value_or(static_cast<int32_t>(default_affinity_seconds));
  return seconds > 0 ? static_cast<uint32_t>(seconds) : default_affinity_seconds;
}

}  // namespace

std::string_view protocol_name(Protocol protocol) {
  switch (protocol) {
    case Protocol::UDP: return "udp";
    case Protocol::SCTP: return "sctp";
    case Protocol::TCP: break;
  }
  return "tcp";
}

std::string ServicePortName::to_string() const {
  std::string out = service.namespace_name + "/" + service.name;
  if (!port.empty()) out += ":" + port;
  return out;
}

std::vector<ServicePort> service_ports(const Service& service, Family family) {
  if (!is_served(service)) return {};
  const auto cluster_ip = cluster_ip_of(service, family);
  if (!cluster_ip) return {};

  ServicePort common{.cluster_ip = *cluster_ip};
  common.external_ips = addresses_of(service.spec.external_ips, family);
  common.load_balancer_vips = vips_of(service, family);
  common.source_ranges = source_ranges_of(service, family);
  common.affinity_seconds = affinity_of(service);
  common.internal_local = service.spec.internal_traffic_policy.value_or("Cluster") == "Local";
  const bool external = service.spec.type == "LoadBalancer" || service.spec.type == "NodePort" || !service.spec.external_ips.empty();
  common.external_local = external && service.spec.external_traffic_policy == "Local";
  if (service.spec.type == "LoadBalancer" && common.external_local && is_port(service.spec.health_check_node_port))
    common.health_check_node_port = static_cast<uint16_t>(service.spec.health_check_node_port);

  std::vector<ServicePort> out;
  for (const auto& port : service.spec.ports) {
    const auto protocol = parse_protocol(port.protocol);
    if (!protocol || !is_port(port.port)) continue;
    ServicePort& made = out.emplace_back(common);
    made.name = port.name;
    made.protocol = *protocol;
    made.port = static_cast<uint16_t>(port.port);
    if (is_port(port.node_port)) made.node_port = static_cast<uint16_t>(port.node_port);
  }
  return out;
}

}  // namespace pintle::proxy

#include "proxy/nftables/table.h"

#include <algorithm>
#include <set>
#include <utility>

#include "proxy/nftables/base_rules.h"
#include "proxy/nftables/service_rules.h"

namespace pintle::proxy::nftables {
namespace {

EndpointsByPort endpoints_of(const RulesConfig& config, std::span<const api::discovery_v1::EndpointSlice* const> slices) {
  std::vector<SliceEndpoints> read;
  read.reserve(slices.size());
  for (const auto* slice : slices) {
    SliceEndpoints one = slice_endpoints(*slice, config.node_name);
    if (one.family == config.family) read.push_back(std::move(one));
  }
  std::vector<const SliceEndpoints*> pointers;
  for (const SliceEndpoints& one : read) pointers.push_back(&one);
  return merge_endpoints(pointers);
}

}  // namespace

void Table::set_config(RulesConfig config) {
  config_ = std::move(config);
  ruleset_.put_base(plan_base(config_));
}

void Table::rebuild(const ExistingTable& existing) {
  ruleset_.rebuild(existing);
  ruleset_.put_base(plan_base(config_));
}

void Table::replace() {
  ruleset_.replace();
  ruleset_.put_base(plan_base(config_));
}

void Table::update(const ServiceName& name, const api::core_v1::Service* service, std::span<const api::discovery_v1::EndpointSlice* const> slices) {
  const std::vector<ServicePort> ports = service ? service_ports(*service, config_.family) : std::vector<ServicePort>();
  const EndpointsByPort endpoints = ports.empty() ? EndpointsByPort() : endpoints_of(config_, slices);
  std::vector<ServicePortName> now;
  now.reserve(ports.size());
  for (const ServicePort& port : ports) {
    ServicePortName& port_name = now.emplace_back(ServicePortName{name, port.name, port.protocol});
    const auto found = endpoints.find({port.name, port.protocol});
    const std::span<const Endpoint> list = found == endpoints.end() ? std::span<const Endpoint>() : std::span(found->second);
    ruleset_.put(port_name, plan_port(config_, port_name, port, list));
    if (port.protocol == Protocol::UDP) note_udp(port, list);
  }
  const auto old = services_.find(name);
  if (old != services_.end()) {
    for (const ServicePortName& gone : old->second)
      if (std::ranges::find(now, gone) == now.end()) ruleset_.remove(gone);
    if (now.empty()) services_.erase(old);
  }
  update_health(name, ports, endpoints);
  if (!now.empty()) services_[name] = std::move(now);
}

void Table::update_health(const ServiceName& name, std::span<const ServicePort> ports, const EndpointsByPort& endpoints) {
  const auto checked = std::ranges::find_if(ports, [](const ServicePort& port) { return port.health_check_node_port != 0; });
  if (checked == ports.end()) {
    health_checks_.erase(name);
    return;
  }
  std::set<Address> local;
  for (const auto& [port, list] : endpoints)
    for (const Endpoint& endpoint : list)
      if (endpoint.local && endpoint.ready) local.insert(endpoint.address);
  health_checks_[name] = {checked->health_check_node_port, local.size()};
}

// A service without a serving endpoint leaves what is tracked alone: its packets are refused anyway.
void Table::note_udp(const ServicePort& port, std::span<const Endpoint> endpoints) {
  UdpFrontend frontend{.port = port.port, .node_port = port.node_port};
  frontend.addresses.push_back(port.cluster_ip);
  frontend.addresses.insert(frontend.addresses.end(), port.external_ips.begin(), port.external_ips.end());
  frontend.addresses.insert(frontend.addresses.end(), port.load_balancer_vips.begin(), port.load_balancer_vips.end());
  for (const Endpoint& endpoint : endpoints)
    if (endpoint.serving) frontend.serving.emplace_back(endpoint.address, endpoint.port);
  if (!frontend.serving.empty()) udp_changes_.push_back(std::move(frontend));
}

}  // namespace pintle::proxy::nftables

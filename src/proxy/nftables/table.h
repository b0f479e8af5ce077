// One IP family's whole table: services and endpoints in, transactions out. Pure; used by one task.
#pragma once

#include <map>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "api/gen/core_v1.h"
#include "api/gen/discovery_v1.h"
#include "proxy/nftables/rules.h"
#include "proxy/nftables/ruleset.h"
#include "proxy/types/endpoint.h"

namespace pintle::proxy::nftables {

// Where clients reach a UDP service, and the endpoints that may answer: what connection tracking has to agree with.
struct UdpFrontend {
  std::vector<Address> addresses;
  uint16_t port = 0;
  uint16_t node_port = 0;
  std::vector<std::pair<Address, uint16_t>> serving;
};

// What the load balancer's health check of a service is told.
struct HealthCheck {
  uint16_t port = 0;
  std::size_t local_endpoints = 0;  // ready pods of this node
  bool operator==(const HealthCheck&) const = default;
};

class Table {
 public:
  explicit Table(RulesConfig config) : config_(std::move(config)), ruleset_(config_.family) {}

  const RulesConfig& config() const { return config_; }
  // Every service has to be put again after set_config(), rebuild() and replace(); nothing that stays the same is written.
  void set_config(RulesConfig config);
  void rebuild(const ExistingTable& existing);
  void replace();

  // The service and its slices as they are now; nullptr: it is gone.
  void update(const ServiceName& name, const api::core_v1::Service* service, std::span<const api::discovery_v1::EndpointSlice* const> slices);

  Ruleset& ruleset() { return ruleset_; }
  // Of the UDP ports that update() has seen change since the last call.
  std::vector<UdpFrontend> take_udp_changes() { return std::exchange(udp_changes_, {}); }
  // Of the services that have one, by name.
  const std::map<ServiceName, HealthCheck>& health_checks() const { return health_checks_; }
  const std::map<ServiceName, std::vector<ServicePortName>>& services() const { return services_; }

 private:
  void update_health(const ServiceName& name, std::span<const ServicePort> ports, const EndpointsByPort& endpoints);
  void note_udp(const ServicePort& port, std::span<const Endpoint> endpoints);

  RulesConfig config_;
  Ruleset ruleset_;
  std::map<ServiceName, std::vector<ServicePortName>> services_;
  std::map<ServiceName, HealthCheck> health_checks_;
  std::vector<UdpFrontend> udp_changes_;
};

}  // namespace pintle::proxy::nftables

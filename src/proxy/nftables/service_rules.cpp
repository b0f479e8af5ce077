#include "proxy/nftables/service_rules.h"

#include <fmt/format.h>

#include "proxy/nftables/names.h"
#include "proxy/types/topology.h"

namespace pintle::proxy::nftables {
namespace {

using EndpointPointers = std::vector<const Endpoint*>;

// One call of plan_port(): what several of its steps need.
class PortPlan {
 public:
  PortPlan(const RulesConfig& config, const ServicePortName& name, const ServicePort& port, const EndpointChoice& choice)
      : config_(config),
        name_(name),
        port_(port),
        choice_(choice),
        ip_(config.family == Family::IPv4 ? "ip" : "ip6"),
        protocol_(protocol_name(port.protocol)),
        base_name_(port_base_name(name)),
        cluster_chain_("service-" + base_name_),
        local_chain_("local-" + base_name_),
        external_chain_("external-" + base_name_),
        has_internal_(choice.any && !(port.internal_local && choice.local.empty())),
        has_external_(choice.any && !(port.external_local && choice.local.empty())) {}

  Rules make() && {
    rules_.no_local_internal = choice_.any && !has_internal_;
    rules_.no_local_external = choice_.any && !has_external_ && port_.externally_accessible();
    add_internal_elements();
    add_external_elements();
    add_hairpin_elements();
    if (!choice_.cluster.empty()) add_policy_chain(cluster_chain_, choice_.cluster);
    if (!choice_.local.empty()) add_policy_chain(local_chain_, choice_.local);
    if (port_.affinity_seconds != 0)
      for (const Endpoint* endpoint : choice_.reachable) add_endpoint_chain(*endpoint);
    // Even where nothing may come in from outside, traffic of the node and its pods is let through to other nodes.
    if (choice_.any && port_.externally_accessible()) add_external_chain();
    if (has_firewall()) add_firewall_chain();
    return std::move(rules_);
  }

 private:
  bool has_firewall() const { return !port_.load_balancer_vips.empty() && !port_.source_ranges.empty(); }
  std::string service_key(const Address& address) const { return fmt::format("{} . {} . {}", address.to_string(), protocol_, port_.port); }
  void add_element(Container container, std::string key, std::string value = "", std::string comment = "") {
    rules_.elements.push_back({container, std::move(key), std::move(value), std::move(comment)});
  }
  // No endpoint anywhere: refused. Endpoints only where the policy forbids to go: dropped, so that the client tries another node.
  std::string verdict() const { return choice_.any ? "drop" : "goto reject-chain"; }

  void add_internal_elements() {
    add_element(Container::ClusterIps, port_.cluster_ip.to_string());
    if (has_internal_)
      add_element(Container::ServiceIps, service_key(port_.cluster_ip), "goto " + (port_.internal_local ? local_chain_ : cluster_chain_));
    else
      add_element(Container::NoEndpointServices, service_key(port_.cluster_ip), verdict(), name_.to_string());
  }

  void add_external_address(const Address& address) {
    if (choice_.any) add_element(Container::ServiceIps, service_key(address), "goto " + external_chain_);
    if (!has_external_) add_element(Container::NoEndpointServices, service_key(address), verdict(), name_.to_string());
  }

  void add_external_elements() {
    for (const Address& address : port_.external_ips) add_external_address(address);
    for (const Address& address : port_.load_balancer_vips) {
      add_external_address(address);
      if (has_firewall()) add_element(Container::FirewallIps, service_key(address), "goto firewall-" + base_name_);
    }
    if (port_.node_port == 0) return;
    const std::string key = fmt::format("{} . {}", protocol_, port_.node_port);
    if (choice_.any) add_element(Container::ServiceNodePorts, key, "goto " + external_chain_);
    if (!has_external_) add_element(Container::NoEndpointNodePorts, key, verdict(), name_.to_string());
  }

  // A pod that reaches itself through its service must be answered through the node.
  void add_hairpin_elements() {
    for (const Endpoint* endpoint : choice_.reachable) {
      if (!endpoint->local) continue;
      const std::string ip = endpoint->address.to_string();
      add_element(Container::HairpinConnections, fmt::format("{} . {} . {} . {}", ip, ip, protocol_, endpoint->port));
    }
  }

  void add_policy_chain(const std::string& name, const EndpointPointers& endpoints) {
    Chain chain{name, {}};
    std::string choices;
    for (std::size_t i = 0; i < endpoints.size(); ++i) {
      choices += i == 0 ? "" : ", ";
      if (port_.affinity_seconds == 0) {
        choices += fmt::format("{} : {} . {}", i, endpoints[i]->address.to_string(), endpoints[i]->port);
        continue;
      }
      const std::string base = endpoint_base_name(name_, *endpoints[i]);
      choices += fmt::format("{} : goto endpoint-{}", i, base);
      chain.rules.push_back(fmt::format("{} saddr @{}{} goto endpoint-{}", ip_, affinity_prefix, base, base));
    }
    if (port_.affinity_seconds == 0)
      chain.rules.push_back(
          fmt::format("meta l4proto {} dnat {} addr . port to numgen random mod {} map {{ {} }}", protocol_, ip_, endpoints.size(), choices));
    else
      chain.rules.push_back(fmt::format("numgen random mod {} vmap {{ {} }}", endpoints.size(), choices));
    rules_.chains.push_back(std::move(chain));
  }

  void add_endpoint_chain(const Endpoint& endpoint) {
    const std::string base = endpoint_base_name(name_, endpoint);
    rules_.affinity_sets.push_back({std::string(affinity_prefix) + base, port_.affinity_seconds});
    Chain& chain = rules_.chains.emplace_back(Chain{"endpoint-" + base, {}});
    chain.rules.push_back(fmt::format("update @{}{} {{ {} saddr }}", affinity_prefix, base, ip_));
    chain.rules.push_back(fmt::format("meta l4proto {} dnat to {}", protocol_, endpoint.to_string()));
  }

  void add_external_chain() {
    Chain chain{external_chain_, {}};
    const std::string masquerade = fmt::format("mark set mark or {:#x}", config_.masquerade_mark);
    if (!port_.external_local) {
      // The endpoint may be on another node: answers have to come back through this one.
      chain.rules.push_back(masquerade + " comment \"masquerade\"");
    } else if (!choice_.cluster.empty()) {
      // The client's address is kept. What starts in this node goes anywhere, as if it had gone out to the load balancer.
      if (!config_.if_local.empty())
        chain.rules.push_back(fmt::format("{} goto {} comment \"short-circuit pod traffic\"", config_.if_local, cluster_chain_));
      chain.rules.push_back("fib saddr type local " + masquerade + " comment \"masquerade local traffic\"");
      chain.rules.push_back("fib saddr type local goto " + cluster_chain_ + " comment \"short-circuit local traffic\"");
    }
    if (has_external_) chain.rules.push_back("goto " + (port_.external_local ? local_chain_ : cluster_chain_));
    rules_.chains.push_back(std::move(chain));
  }

  void add_firewall_chain() {
    std::string sources;
    bool from_node = false;
    for (const Prefix& range : port_.source_ranges) {
      sources += (sources.empty() ? "" : ", ") + range.to_string();
      from_node |= config_.node_ip && range.contains(*config_.node_ip);
    }
    // The node's own requests to the load balancer's address may carry that very address as their source.
    if (from_node)
      for (const Address& vip : port_.load_balancer_vips)
        if (!in_source_ranges(vip)) sources += ", " + vip.to_string();
    rules_.chains.push_back({"firewall-" + base_name_, {fmt::format("{} saddr != {{ {} }} drop", ip_, sources)}});
  }

  bool in_source_ranges(const Address& address) const {
    for (const Prefix& range : port_.source_ranges)
      if (range.contains(address)) return true;
    return false;
  }

  const RulesConfig& config_;
  const ServicePortName& name_;
  const ServicePort& port_;
  const EndpointChoice& choice_;
  const std::string_view ip_;
  const std::string_view protocol_;
  const std::string base_name_;
  const std::string cluster_chain_;
  const std::string local_chain_;
  const std::string external_chain_;
  const bool has_internal_;
  const bool has_external_;
  Rules rules_;
};

}  // namespace

Rules plan_port(const RulesConfig& config, const ServicePortName& name, const ServicePort& port, std::span<const Endpoint> endpoints) {
  const NodeTopology node{config.node_name, config.zone};
  const EndpointChoice choice = choose_endpoints(port, endpoints, node);
  return PortPlan(config, name, port, choice).make();
}

}  // namespace pintle::proxy::nftables

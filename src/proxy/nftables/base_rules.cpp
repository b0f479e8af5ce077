#include "proxy/nftables/base_rules.h"

#include <fmt/format.h>

namespace pintle::proxy::nftables {
namespace {

constexpr ContainerSpec specs[container_count] = {
    {Container::ClusterIps, "cluster-ips", false, "", true, "Active ClusterIPs"},
    {Container::NodePortIps, "nodeport-ips", false, "", true, "IPs that accept NodePort traffic"},
    {Container::HairpinConnections, "hairpin-connections", false, "address . inet_proto . inet_service", true, "service hairpin connections"},
    {Container::FirewallIps, "firewall-ips", true, "inet_proto . inet_service", true, "destinations that are subject to LoadBalancerSourceRanges"},
    {Container::NoEndpointNodePorts, "no-endpoint-nodeports", true, "inet_proto . inet_service", false,
     "vmap to drop or reject packets to service nodeports with no endpoints"},
    {Container::NoEndpointServices, "no-endpoint-services", true, "inet_proto . inet_service", true,
     "vmap to drop or reject packets to services with no endpoints"},
    {Container::ServiceIps, "service-ips", true, "inet_proto . inet_service", true, "ClusterIP, ExternalIP and LoadBalancer IP traffic"},
    {Container::ServiceNodePorts, "service-nodeports", true, "inet_proto . inet_service", false, "NodePort traffic"},
};

// The firewall looks at addresses before they are translated (10 before destination NAT, which is at -100).
constexpr BaseChain hooked[] = {
    {"filter-prerouting-pre-dnat", "type filter hook prerouting priority -110 ;"},
    {"filter-output-pre-dnat", "type filter hook output priority -110 ;"},
    {"filter-input", "type filter hook input priority 0 ;"},
    {"filter-forward", "type filter hook forward priority 0 ;"},
    {"filter-output", "type filter hook output priority 0 ;"},
    {"nat-prerouting", "type nat hook prerouting priority -100 ;"},
    {"nat-output", "type nat hook output priority -100 ;"},
    {"nat-postrouting", "type nat hook postrouting priority 100 ;"},
};

Chain masquerading(const RulesConfig& config, std::string_view ip) {
  const std::string mark = fmt::format("{:#x}", config.masquerade_mark);
  return {"masquerading",
          {fmt::format("mark and {} != 0 mark set mark xor {} masquerade fully-random", mark, mark),
           fmt::format("ct status dnat {0} saddr . {0} daddr . meta l4proto . th dport @hairpin-connections masquerade fully-random", ip)}};
}

// Runs after every valid packet to a cluster IP has been sent on to its endpoint.
Chain cluster_ips_check(const RulesConfig& config, std::string_view ip) {
  Chain chain{"cluster-ips-check", {fmt::format("{} daddr @cluster-ips reject comment \"Reject traffic to invalid ports of ClusterIPs\"", ip)}};
  std::string ranges;
  for (const Prefix& range : config.service_cidrs) ranges += (ranges.empty() ? "" : ", ") + range.to_string();
  if (!ranges.empty()) chain.rules.push_back(fmt::format("{} daddr {{ {} }} drop comment \"Drop traffic to unallocated ClusterIPs\"", ip, ranges));
  return chain;
}

Chain services(const RulesConfig& config, std::string_view ip, const std::string& to_node) {
  Chain chain{"services", {}};
  const std::string masquerade = fmt::format("mark set mark or {:#x}", config.masquerade_mark);
  if (config.masquerade_all)
    chain.rules.push_back(fmt::format("{} daddr @cluster-ips {} comment \"masquerade all clusterIP traffic\"", ip, masquerade));
  else if (!config.if_not_local.empty())
    // The service range may be routed to any node, which then passes on what came from outside.
    chain.rules.push_back(fmt::format("{} daddr @cluster-ips {} {} comment \"masquerade clusterIP traffic from outside cluster\"", ip,
                                      config.if_not_local, masquerade));
  chain.rules.push_back(fmt::format("{} daddr . meta l4proto . th dport vmap @service-ips", ip));
  chain.rules.push_back((config.node_ports_everywhere ? "fib daddr type local " : "") + to_node + " meta l4proto . th dport vmap @service-nodeports");
  return chain;
}

}  // namespace

const ContainerSpec& container_spec(Container container) { return specs[static_cast<std::size_t>(container)]; }
std::span<const ContainerSpec> container_specs() { return specs; }
std::span<const BaseChain> base_chains() { return hooked; }
std::string_view table_of(Family family) { return family == Family::IPv4 ? "ip kube-proxy" : "ip6 kube-proxy"; }

Rules plan_base(const RulesConfig& config) {
  const std::string_view ip = config.family == Family::IPv4 ? "ip" : "ip6";
  const std::string_view not_loopback = config.family == Family::IPv4 ? "ip daddr != 127.0.0.0/8" : "ip6 daddr != ::1";
  const std::string to_node = config.node_ports_everywhere ? std::string(not_loopback) : std::string(ip) + " daddr @nodeport-ips";
  const std::string fresh = "ct state new jump ";

  Rules out;
  out.chains = {
      {"filter-prerouting-pre-dnat", {fresh + "firewall-check"}},
      {"filter-output-pre-dnat", {fresh + "firewall-check"}},
      {"filter-input", {fresh + "nodeport-endpoints-check", fresh + "service-endpoints-check"}},
      {"filter-forward", {fresh + "service-endpoints-check", fresh + "cluster-ips-check"}},
      {"filter-output", {fresh + "service-endpoints-check", fresh + "cluster-ips-check"}},
      {"nat-prerouting", {"jump services"}},
      {"nat-output", {"jump services"}},
      {"nat-postrouting", {"jump masquerading"}},
      {"firewall-check", {fmt::format("{} daddr . meta l4proto . th dport vmap @firewall-ips", ip)}},
      {"nodeport-endpoints-check", {to_node + " meta l4proto . th dport vmap @no-endpoint-nodeports"}},
      {"service-endpoints-check", {fmt::format("{} daddr . meta l4proto . th dport vmap @no-endpoint-services", ip)}},
      {"reject-chain", {"reject"}},
      cluster_ips_check(config, ip),
      masquerading(config, ip),
      services(config, ip, to_node),
  };
  if (!config.node_ports_everywhere)
    for (const Address& address : config.node_port_ips) out.elements.push_back({Container::NodePortIps, address.to_string(), "", ""});
  return out;
}

}  // namespace pintle::proxy::nftables

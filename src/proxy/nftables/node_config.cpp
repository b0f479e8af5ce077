#include "proxy/nftables/node_config.h"

#include <algorithm>
#include <map>
#include <utility>

#include "base/split.h"
#include "component/feature_gates.h"

namespace pintle::proxy::nftables {
namespace {

constexpr std::string_view zone_label = "topology.kubernetes.io/zone";
constexpr std::string_view to_be_deleted_taint = "ToBeDeletedByClusterAutoscaler";
constexpr std::string_view primary = "primary";

std::vector<std::string_view> ranges_of(std::string_view list) { return list.empty() ? std::vector<std::string_view>() : split(list, ','); }

Unexpected<Status> invalid(std::string field, const std::string& value, std::string_view why) {
  return error(Reason::Invalid, "KubeProxyConfiguration." + field + ": Invalid value: \"" + value + "\": " + std::string(why));
}

// How packets of this node's pods are told, as "MATCH" and "not MATCH".
void set_local_detection(RulesConfig& out, const Configuration& config, const NodeFacts& facts) {
  const std::string_view ip = out.family == Family::IPv4 ? "ip" : "ip6";
  const auto by_range = [&](const Prefix& range) {
    out.if_local = std::string(ip) + " saddr " + range.to_string();
    out.if_not_local = std::string(ip) + " saddr != " + range.to_string();
  };
  const auto by_interface = [&](const std::string& name) {
    out.if_local = "iifname \"" + name + "\"";
    out.if_not_local = "iifname != \"" + name + "\"";
  };
  if (config.detect_local_mode == "BridgeInterface") return by_interface(config.detect_local.bridge_interface);
  if (config.detect_local_mode == "InterfaceNamePrefix") return by_interface(config.detect_local.interface_name_prefix + "*");
  std::vector<std::string_view> ranges;
  if (config.detect_local_mode == "NodeCIDR") {
    if (facts.node) ranges.assign(facts.node->spec.pod_cidrs.begin(), facts.node->spec.pod_cidrs.end());
  } else {
    ranges = ranges_of(config.cluster_cidr);
  }
  for (const std::string_view text : ranges)
    if (const auto range = parse_prefix(text); range && range->address.family == out.family) return by_range(*range);
}

// Without an entry for a family, all its addresses serve node ports, as upstream has it; but not before the node is known.
void set_node_port_addresses(RulesConfig& out, const Configuration& config, const NodeFacts& facts) {
  const auto& wanted = config.node_port_addresses;
  if (wanted.empty() || (wanted.size() == 1 && wanted.front() == primary)) {
    if (out.node_ip) out.node_port_ips = {*out.node_ip};
    out.node_ports_everywhere = facts.node && !out.node_ip;
    return;
  }
  std::vector<Prefix> ranges;
  for (const std::string& text : wanted)
    if (const auto range = parse_prefix(text); range && range->address.family == out.family) ranges.push_back(*range);
  out.node_ports_everywhere = ranges.empty() || std::ranges::any_of(ranges, [](const Prefix& range) { return range.bits == 0; });
  if (out.node_ports_everywhere) return;
  for (const Address& address : facts.local_addresses)
    if (!address.is_loopback() && std::ranges::any_of(ranges, [&](const Prefix& range) { return range.contains(address); }))
      out.node_port_ips.push_back(address);
  std::ranges::sort(out.node_port_ips);
}

Result<Unit> check_process(const Configuration& config) {
  std::map<std::string, bool> gates;
  for (const auto& [name, on] : config.feature_gates) gates.emplace(name, on);
  if (const auto parsed = component::FeatureGates::parse(gates); !parsed)
    return error(Reason::Invalid, "KubeProxyConfiguration.featureGates: " + parsed.error().message);
  const int32_t score = config.oom_score_adj.value_or(0);
  if (score < -1000 || score > 1000) return invalid("oomScoreAdj", std::to_string(score), "must be within the range [-1000, 1000]");
  if (config.client_connection.burst < 0)
    return invalid("clientConnection.burst", std::to_string(config.client_connection.burst), "must be greater than or equal to 0");
  if (config.logging.format != "text" && config.logging.format != "json")
    return invalid("logging.format", config.logging.format, "must be text or json");
  if (config.config_sync_period.nanos <= 0)
    return invalid("configSyncPeriod", api::format_duration(config.config_sync_period), "must be greater than 0");
  return Unit{};
}

Result<Unit> check_conntrack(const Configuration& config) {
  const auto& conntrack = config.conntrack;
  for (const auto& [field, number] : {std::pair{"maxPerCore", conntrack.max_per_core}, {"min", conntrack.min}})
    if (number && *number < 0) return invalid(std::string("conntrack.") + field, std::to_string(*number), "must be greater than or equal to 0");
  const api::Duration none;
  for (const auto& [field, time] : {std::pair{"tcpEstablishedTimeout", conntrack.tcp_established_timeout.value_or(none)},
                                    {"tcpCloseWaitTimeout", conntrack.tcp_close_wait_timeout.value_or(none)},
                                    {"udpTimeout", conntrack.udp_timeout},
                                    {"udpStreamTimeout", conntrack.udp_stream_timeout}})
    if (time.nanos < 0) return invalid(std::string("conntrack.") + field, api::format_duration(time), "must be greater than or equal to 0");
  return Unit{};
}

}  // namespace

Result<Unit> validate(const Configuration& config) {
  TRY(check_process(config));
  TRY(check_conntrack(config));
  if (!config.mode.empty() && config.mode != "nftables")
    return invalid("mode", config.mode, "this release proxies with nftables only: set mode to nftables, or leave it out");
  if (const int32_t bit = config.nftables.masquerade_bit.value_or(14); bit < 0 || bit > 31)
    return invalid("nftables.masqueradeBit", std::to_string(bit), "must be within the range [0, 31]");
  if (config.nftables.sync_period.nanos <= 0)
    return invalid("nftables.syncPeriod", api::format_duration(config.nftables.sync_period), "must be greater than 0");
  if (config.nftables.min_sync_period.nanos < 0)
    return invalid("nftables.minSyncPeriod", api::format_duration(config.nftables.min_sync_period), "must be greater than or equal to 0");
  if (config.nftables.min_sync_period.nanos > config.nftables.sync_period.nanos)
    return invalid("nftables.syncPeriod", api::format_duration(config.nftables.min_sync_period),
                   "must be greater than or equal to KubeProxyConfiguration.nftables.minSyncPeriod");
  for (const std::string_view range : ranges_of(config.cluster_cidr))
    if (!parse_prefix(range))
      return invalid("clusterCIDR", config.cluster_cidr, "must be a valid CIDR block (e.g. 10.100.0.0/16 or fde4:8dba:82e1::/48)");
  const auto& node_ports = config.node_port_addresses;
  for (const std::string& range : node_ports)
    if (!(node_ports.size() == 1 && range == primary) && !parse_prefix(range)) return invalid("nodePortAddresses", range, "must be a valid CIDR");
  if (!config.bind_address.empty() && !parse_address(config.bind_address))
    return invalid("bindAddress", config.bind_address, "not a valid textual representation of an IP address");
  if (config.detect_local_mode == "BridgeInterface" && config.detect_local.bridge_interface.empty())
    return invalid("detectLocal.bridgeInterface", "", "must not be empty with detectLocalMode BridgeInterface");
  if (config.detect_local_mode == "InterfaceNamePrefix" && config.detect_local.interface_name_prefix.empty())
    return invalid("detectLocal.interfaceNamePrefix", "", "must not be empty with detectLocalMode InterfaceNamePrefix");
  for (const std::string& name : {config.detect_local.bridge_interface, config.detect_local.interface_name_prefix})
    if (name.find_first_of("\"\\*/ \n") != std::string::npos || name.size() > 15) return invalid("detectLocal", name, "not the name of an interface");
  if (!config.detect_local_mode.empty() && config.detect_local_mode != "ClusterCIDR" && config.detect_local_mode != "NodeCIDR" &&
      config.detect_local_mode != "BridgeInterface" && config.detect_local_mode != "InterfaceNamePrefix")
    return invalid("detectLocalMode", config.detect_local_mode, "must be ClusterCIDR, NodeCIDR, BridgeInterface or InterfaceNamePrefix");
  return Unit{};
}

RulesConfig make_rules_config(Family family, const Configuration& config, const NodeFacts& facts) {
  RulesConfig out;
  out.family = family;
  out.masquerade_all = config.nftables.masquerade_all;
  out.masquerade_mark = 1u << config.nftables.masquerade_bit.value_or(14);
  out.node_name = facts.node_name;
  if (facts.node) {
    out.node_ip = node_address(*facts.node, family);
    if (const std::string* zone = facts.node->metadata.labels.get(zone_label)) out.zone = *zone;
  }
  if (const auto bind = parse_address(config.bind_address); bind && bind->family == family && !bind->is_unspecified()) out.node_ip = bind;
  for (const Prefix& range : facts.service_cidrs)
    if (range.address.family == family) out.service_cidrs.push_back(range);
  out.service_cidrs = outermost(std::move(out.service_cidrs));
  set_local_detection(out, config, facts);
  set_node_port_addresses(out, config, facts);
  return out;
}

std::optional<Address> node_address(const api::core_v1::Node& node, Family family) {
  for (const std::string_view type : {"InternalIP", "ExternalIP"})
    for (const auto& entry : node.status.addresses) {
      if (entry.type != type) continue;
      if (const auto address = parse_address(entry.address); address && address->family == family) return address;
    }
  return std::nullopt;
}

bool is_node_eligible(const api::core_v1::Node& node) {
  if (node.metadata.deletion_timestamp) return false;
  return std::ranges::none_of(node.spec.taints, [](const auto& taint) { return taint.key == to_be_deleted_taint; });
}

}  // namespace pintle::proxy::nftables

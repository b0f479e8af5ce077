#include <algorithm>
#include <array>
#include <set>
#include <string_view>
#include <tuple>

#include "apimachinery/validation/formats.h"
#include "apiserver/resources/core/pod_spec.h"
#include "apiserver/resources/core/service.h"
#include "base/strings.h"

namespace pintle::apiserver::resources {
namespace {

namespace core = api::core_v1;
using namespace apimachinery;

constexpr std::array<std::string_view, 3> protocols{"SCTP", "TCP", "UDP"};
constexpr std::array<std::string_view, 4> types{"ClusterIP", "ExternalName", "LoadBalancer", "NodePort"};
constexpr std::array<std::string_view, 2> policies{"Cluster", "Local"};
constexpr std::array<std::string_view, 2> affinities{"ClientIP", "None"};
constexpr std::array<std::string_view, 3> family_policies{"PreferDualStack", "RequireDualStack", "SingleStack"};
constexpr std::array<std::string_view, 2> families{"IPv4", "IPv6"};
constexpr int32_t affinity_seconds_max = 86400;
constexpr std::size_t address_families_max = 2;

void validate_port(const core::ServicePort& port, bool needs_name, bool headless, std::set<std::string_view>& names, const FieldPath& path,
                   FieldErrors& errors) {
  if (needs_name && port.name.empty()) {
    errors.required(path.child("name"));
  } else if (!port.name.empty()) {
    errors.invalid_all(path.child("name"), port.name, check_dns_label(port.name));
    if (!names.insert(port.name).second) errors.duplicate(path.child("name"), port.name);
  }
  errors.invalid_all(path.child("port"), port.port, check_port_number(port.port));
  if (port.protocol.empty()) {
    errors.required(path.child("protocol"));
  } else if (!contains(protocols, port.protocol)) {
    errors.not_supported(path.child("protocol"), port.protocol, protocols);
  }
  if (headless) return;
  if (port.target_port.is_string) {
    errors.invalid_all(path.child("targetPort"), port.target_port.string_value, check_port_name(port.target_port.string_value));
  } else {
    errors.invalid_all(path.child("targetPort"), port.target_port.int_value, check_port_number(port.target_port.int_value));
  }
  if (port.app_protocol) errors.invalid_all(path.child("appProtocol"), *port.app_protocol, check_qualified_name(*port.app_protocol));
}

void validate_ports(const core::ServiceSpec& spec, FieldErrors& errors) {
  const FieldPath path("spec", "ports");
  std::set<std::string_view> names;
  const bool headless = is_headless(spec);
  for (std::size_t i = 0; i < spec.ports.size(); ++i) validate_port(spec.ports[i], spec.ports.size() > 1, headless, names, path.index(i), errors);
}

void validate_affinity_of(const core::ServiceSpec& spec, FieldErrors& errors) {
  const FieldPath path("spec", "sessionAffinity");
  if (spec.session_affinity.empty()) {
    errors.required(path);
  } else if (!contains(affinities, spec.session_affinity)) {
    errors.not_supported(path, spec.session_affinity, affinities);
  }
  const FieldPath config("spec", "sessionAffinityConfig");
  if (spec.session_affinity == "ClientIP") {
    if (!spec.session_affinity_config) {
      errors.required(config);
    } else if (spec.session_affinity_config->client_ip) {
      const int32_t seconds = spec.session_affinity_config->client_ip->timeout_seconds.value_or(0);
      if (seconds <= 0 || seconds > affinity_seconds_max)
        errors.invalid(config.child("clientIP", "timeoutSeconds"), seconds, "must be greater than 0 and less than 86400");
    }
  } else if (spec.session_affinity_config) {
    errors.forbidden(config, "must not be set when session affinity is None");
  }
}

void validate_families(const core::ServiceSpec& spec, FieldErrors& errors) {
  const FieldPath at("spec");
  if (spec.type == "ExternalName") {
    if (!spec.ip_families.empty()) errors.forbidden(at.child("ipFamilies"), "may not be set for ExternalName services");
    if (spec.ip_family_policy) errors.forbidden(at.child("ipFamilyPolicy"), "may not be set for ExternalName services");
    if (!spec.cluster_ips.empty()) errors.forbidden(at.child("clusterIPs"), "may not be set for ExternalName services");
    return;
  }
  std::set<std::string_view> seen;
  for (std::size_t i = 0; i < spec.ip_families.size(); ++i) {
    const FieldPath one = at.child("ipFamilies").index(i);
    if (!contains(families, spec.ip_families[i])) errors.not_supported(one, spec.ip_families[i], families);
    if (!seen.insert(spec.ip_families[i]).second) errors.duplicate(one, spec.ip_families[i]);
  }
  if (spec.ip_family_policy && !contains(family_policies, *spec.ip_family_policy))
    errors.not_supported(at.child("ipFamilyPolicy"), *spec.ip_family_policy, family_policies);
  if (spec.cluster_ips.size() > address_families_max) errors.too_many(at.child("clusterIPs"), spec.cluster_ips.size(), address_families_max);
  if (is_headless(spec)) return;
  for (std::size_t i = 0; i < spec.cluster_ips.size(); ++i) {
    if (spec.cluster_ips[i].empty()) continue;
    if (i > 0 && spec.cluster_ips[i] == "None") {
      errors.invalid(at.child("clusterIPs").index(i), spec.cluster_ips[i], "'None' must be the first and only value");
    } else {
      errors.invalid_all(at.child("clusterIPs").index(i), spec.cluster_ips[i], check_legacy_ip(spec.cluster_ips[i]));
    }
  }
  if (!spec.cluster_ips.empty() && !spec.cluster_ip.empty() && spec.cluster_ip != spec.cluster_ips[0])
    errors.invalid(at.child("clusterIPs").index(0), spec.cluster_ips[0], "first value must match `clusterIP`");
}

void validate_unique_ports(const core::ServiceSpec& spec, FieldErrors& errors) {
  const FieldPath path("spec", "ports");
  std::set<std::pair<std::string_view, int32_t>> node_ports;
  std::set<std::pair<std::string_view, int32_t>> ports;
  for (std::size_t i = 0; i < spec.ports.size(); ++i) {
    const core::ServicePort& port = spec.ports[i];
    if (port.node_port != 0 && !node_ports.emplace(port.protocol, port.node_port).second)
      errors.duplicate(path.index(i).child("nodePort"), port.node_port);
    if (!ports.emplace(port.protocol, port.port).second) errors.duplicate(path.index(i), std::to_string(port.port) + "/" + port.protocol);
  }
}

void validate_load_balancer(const core::ServiceSpec& spec, FieldErrors& errors) {
  const FieldPath at("spec");
  if (!spec.load_balancer_source_ranges.empty()) {
    if (spec.type != "LoadBalancer") errors.forbidden(at.child("LoadBalancerSourceRanges"), "may only be used when `type` is 'LoadBalancer'");
    for (std::size_t i = 0; i < spec.load_balancer_source_ranges.size(); ++i) {
      std::string_view range = spec.load_balancer_source_ranges[i];
      while (!range.empty() && range.front() == ' ') range.remove_prefix(1);
      while (!range.empty() && range.back() == ' ') range.remove_suffix(1);
      errors.invalid_all(at.child("LoadBalancerSourceRanges").index(i), range, check_legacy_cidr(range));
    }
  }
  if (spec.load_balancer_class) {
    if (spec.type != "LoadBalancer") {
      errors.forbidden(at.child("loadBalancerClass"), "may only be used when `type` is 'LoadBalancer'");
    } else {
      errors.invalid_all(at.child("loadBalancerClass"), *spec.load_balancer_class, check_qualified_name(*spec.load_balancer_class));
    }
  }
  if (spec.type == "LoadBalancer" && !spec.allocate_load_balancer_node_ports) errors.required(at.child("allocateLoadBalancerNodePorts"));
  if (spec.type != "LoadBalancer" && spec.allocate_load_balancer_node_ports)
    errors.forbidden(at.child("allocateLoadBalancerNodePorts"), "may only be used when `type` is 'LoadBalancer'");
}

void validate_traffic_policies(const core::ServiceSpec& spec, FieldErrors& errors) {
  const FieldPath at("spec");
  const bool external = spec.type == "NodePort" || spec.type == "LoadBalancer" || (spec.type == "ClusterIP" && !spec.external_ips.empty());
  if (!external) {
    if (!spec.external_traffic_policy.empty())
      errors.invalid(at.child("externalTrafficPolicy"), spec.external_traffic_policy, "may only be set for externally-accessible services");
  } else if (spec.external_traffic_policy.empty()) {
    errors.required(at.child("externalTrafficPolicy"));
  } else if (!contains(policies, spec.external_traffic_policy)) {
    errors.not_supported(at.child("externalTrafficPolicy"), spec.external_traffic_policy, policies);
  }
  const bool health_check = spec.type == "LoadBalancer" && spec.external_traffic_policy == "Local";
  if (!health_check && spec.health_check_node_port != 0)
    errors.invalid(at.child("healthCheckNodePort"), spec.health_check_node_port,
                   "may only be set when `type` is 'LoadBalancer' and `externalTrafficPolicy` is 'Local'");
  if (spec.type != "ExternalName") {
    if (!spec.internal_traffic_policy) {
      errors.required(at.child("internalTrafficPolicy"));
    } else if (!contains(policies, *spec.internal_traffic_policy)) {
      errors.not_supported(at.child("internalTrafficPolicy"), *spec.internal_traffic_policy, policies);
    }
  }
  constexpr std::array<std::string_view, 3> distributions{"PreferClose", "PreferSameZone", "PreferSameNode"};
  if (spec.traffic_distribution && !contains(distributions, *spec.traffic_distribution))
    errors.not_listed(at.child("trafficDistribution"), *spec.traffic_distribution, distributions);
}

}  // namespace

bool is_headless(const core::ServiceSpec& spec) { return (!spec.cluster_ips.empty() && spec.cluster_ips[0] == "None") || spec.cluster_ip == "None"; }

void validate_service(const core::Service& service, FieldErrors& errors) {
  const core::ServiceSpec& spec = service.spec;
  const FieldPath at("spec");
  const bool headless = is_headless(spec);
  if (spec.ports.empty() && !headless && spec.type != "ExternalName") errors.required(at.child("ports"));
  if (spec.type == "LoadBalancer" && headless)
    errors.invalid(at.child("clusterIPs").index(0), "None", "may not be set to 'None' for LoadBalancer services");
  if (spec.type == "NodePort" && headless) errors.invalid(at.child("clusterIPs").index(0), "None", "may not be set to 'None' for NodePort services");
  if (spec.type == "ExternalName") {
    std::string_view name = spec.external_name;
    if (name.ends_with('.')) name.remove_suffix(1);
    if (name.empty()) {
      errors.required(at.child("externalName"));
    } else {
      errors.invalid_all(at.child("externalName"), spec.external_name, check_dns_subdomain(name));
    }
  }
  validate_ports(spec, errors);
  validate_labels(spec.selector, at.child("selector"), errors);
  validate_affinity_of(spec, errors);
  validate_families(spec, errors);
  for (std::size_t i = 0; i < spec.external_ips.size(); ++i) {
    const FieldPath path = at.child("externalIPs").index(i);
    const auto problems = check_legacy_ip(spec.external_ips[i]);
    errors.invalid_all(path, spec.external_ips[i], problems);
    if (problems.empty()) validate_endpoint_ip(spec.external_ips[i], path, errors);
  }
  if (spec.type.empty()) {
    errors.required(at.child("type"));
  } else if (!contains(types, spec.type)) {
    errors.not_supported(at.child("type"), spec.type, types);
  }
  if (spec.type == "ClusterIP" || spec.type == "ExternalName")
    for (std::size_t i = 0; i < spec.ports.size(); ++i)
      if (spec.ports[i].node_port != 0)
        errors.forbidden(at.child("ports").index(i).child("nodePort"), "may not be used when `type` is '" + spec.type + "'");
  validate_unique_ports(spec, errors);
  validate_load_balancer(spec, errors);
  if (contains(types, spec.type)) validate_traffic_policies(spec, errors);
}

void validate_service_update(const core::Service& service, const core::Service& old, FieldErrors& errors) {
  const bool kept = old.spec.type != "ExternalName" && service.spec.type != "ExternalName" && !old.spec.cluster_ip.empty();
  if (kept && service.spec.cluster_ip != old.spec.cluster_ip)
    errors.invalid(FieldPath("spec", "clusterIPs").index(0), BadValue::raw("[\"" + service.spec.cluster_ip + "\"]"), "may not change once set");
  if (old.spec.type == "LoadBalancer" && service.spec.type == "LoadBalancer" && old.spec.load_balancer_class != service.spec.load_balancer_class)
    errors.invalid(FieldPath("spec", "loadBalancerClass"), service.spec.load_balancer_class.value_or(""), "may not change once set");
}

}  // namespace pintle::apiserver::resources

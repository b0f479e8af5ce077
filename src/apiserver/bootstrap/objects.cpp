// Which objects there are to be, apart from RBAC's.
#include <algorithm>
#include <array>

#include "api/codec.h"
#include "api/gen/apiregistration_v1.h"
#include "api/gen/core_v1.h"
#include "api/gen/discovery_v1.h"
#include "api/gen/flowcontrol_v1.h"
#include "api/gen/networking_v1.h"
#include "api/gen/scheduling_v1.h"
#include "apimachinery/discovery/priority.h"
#include "apimachinery/identity/service_accounts.h"
#include "apiserver/bootstrap/bootstrap.h"
#include "apiserver/bootstrap/rbac_policy.h"
#include "base/check.h"

namespace pintle::apiserver::bootstrap {
namespace {

using namespace api;

struct NamedSpec {
  std::string_view name;
  std::string_view spec;
};
#include "apiserver/bootstrap/flow_control.inc"

template <class T>
Wanted want(GroupResource resource, T object) {
  Wanted out;
  out.resource = std::move(resource);
  out.ns = object.metadata.namespace_;
  out.name = object.metadata.name;
  out.object = Object::of<T>(std::move(object));
  return out;
}

template <class T>
void add_rbac(std::vector<Wanted>& out, const char* resource, std::vector<T> objects) {
  for (T& object : objects) {
    Wanted wanted = want<T>({"rbac.authorization.k8s.io", resource}, object);
    wanted.complete = [object = std::move(object)](Object& stored) { return complete(stored.as<T>(), object); };
    out.push_back(std::move(wanted));
  }
}

template <class T>
void add_flow_control(std::vector<Wanted>& out, const char* resource, std::span<const NamedSpec> items) {
  constexpr std::string_view autoupdate = "apf.kubernetes.io/autoupdate-spec";
  for (const NamedSpec& item : items) {
    T object;
    object.metadata.name = item.name;
    object.metadata.annotations[autoupdate] = "true";
    const auto decoded = decode_json(item.spec, type_of<decltype(object.spec)>(), &object.spec);
    CHECK(decoded, decoded.error().message);
    Wanted wanted = want<T>({"flowcontrol.apiserver.k8s.io", resource}, object);
    wanted.complete = [autoupdate, object = std::move(object)](Object& stored) {
      T& there = stored.as<T>();
      const std::string* follow = there.metadata.annotations.get(autoupdate);
      if (!follow || *follow != "true" || equal(type_of<decltype(object.spec)>(), &there.spec, &object.spec)) return false;
      there.spec = object.spec;
      return true;
    };
    out.push_back(std::move(wanted));
  }
}

void add_namespaces(std::vector<Wanted>& out) {
  for (const char* name : {"default", "kube-node-lease", "kube-public", "kube-system"}) {
    core_v1::Namespace ns;
    ns.metadata.name = name;
    ns.metadata.labels["kubernetes.io/metadata.name"] = name;
    // Finalizer and phase are the namespace strategy's: nobody is to own them as a manager.
    out.push_back(want<core_v1::Namespace>({"", "namespaces"}, std::move(ns)));
  }
}

void add_priority_classes(std::vector<Wanted>& out) {
  const std::pair<const char*, int32_t> classes[] = {{"system-node-critical", 2000001000}, {"system-cluster-critical", 2000000000}};
  for (const auto& [name, value] : classes) {
    scheduling_v1::PriorityClass item;
    item.metadata.name = name;
    item.value = value;
    item.preemption_policy = "PreemptLowerPriority";
    item.description = std::string("For what ") + (value > 2000000000 ? "its node" : "the cluster") + " cannot run without.";
    out.push_back(want<scheduling_v1::PriorityClass>({"scheduling.k8s.io", "priorityclasses"}, std::move(item)));
  }
}

// An operator may give a group version to another server: what does not say that it is kept here stays as it is.
bool complete(apiregistration_v1::APIService& there, const apiregistration_v1::APIService& wanted) {
  const std::string* managed = there.metadata.labels.get(automanaged_label);
  if (managed == nullptr || *managed != automanaged_on_start) return false;
  if (equal(type_of<apiregistration_v1::APIServiceSpec>(), &there.spec, &wanted.spec)) return false;
  there.spec = wanted.spec;
  return true;
}

void add_api_services(std::vector<Wanted>& out, const Config& config) {
  using apiregistration_v1::APIService;
  for (const auto& [group, version] : config.group_versions) {
    const apimachinery::DiscoveryPriority priority = apimachinery::discovery_priority(group, version);
    APIService service;
    service.metadata.name = std::string(version) + "." + std::string(group);
    service.metadata.labels[automanaged_label] = automanaged_on_start;
    service.spec.group = group;
    service.spec.version = version;
    service.spec.group_priority_minimum = priority.group;
    service.spec.version_priority = priority.version;
    Wanted wanted = want<APIService>({"apiregistration.k8s.io", "apiservices"}, service);
    wanted.complete = [service](Object& stored) { return complete(stored.as<APIService>(), service); };
    wanted.complete_status = [now = config.now_seconds](Object& stored) {
      if (stored.as<APIService>().spec.service) return false;
      auto& conditions = stored.as<APIService>().status.conditions;
      const auto available = [](const auto& condition) { return condition.type == "Available" && condition.status == "True"; };
      if (std::any_of(conditions.begin(), conditions.end(), available)) return false;
      conditions.resize(1);
      conditions[0] = {"Available", "True", Time{now, 0}, "Local", "Local APIServices are always available"};
      return true;
    };
    out.push_back(std::move(wanted));
  }
}

void add_config_maps(std::vector<Wanted>& out, const Config& config) {
  out.push_back(want<core_v1::ConfigMap>({"", "configmaps"}, token_tracking_map(config.now_seconds)));
  if (config.trust.empty()) return;
  core_v1::ConfigMap map;
  map.metadata.name = trust_name;
  map.metadata.namespace_ = trust_namespace;
  complete(map, config.trust, config.now_seconds);
  Wanted wanted = want<core_v1::ConfigMap>({"", "configmaps"}, std::move(map));
  wanted.complete = [trust = config.trust, now = config.now_seconds](Object& stored) {
    return complete(stored.as<core_v1::ConfigMap>(), trust, now);
  };
  out.push_back(std::move(wanted));
}

void add_service_cidr(std::vector<Wanted>& out, const Config& config) {
  using networking_v1::ServiceCIDR;
  if (config.service_cidrs.empty()) return;
  ServiceCIDR range;
  range.metadata.name = "kubernetes";
  range.spec.cidrs = config.service_cidrs;
  Wanted wanted = want<ServiceCIDR>({"networking.k8s.io", "servicecidrs"}, std::move(range));
  wanted.complete_status = [now = config.now_seconds](Object& stored) {
    auto& conditions = stored.as<ServiceCIDR>().status.conditions;
    if (std::any_of(conditions.begin(), conditions.end(), [](const auto& condition) { return condition.type == "Ready"; })) return false;
    auto& ready = conditions.emplace_back();
    ready.type = "Ready";
    ready.status = "True";
    ready.message = "Kubernetes default Service CIDR is ready";
    ready.last_transition_time = Time{now, 0};
    return true;
  };
  out.push_back(std::move(wanted));
}

bool publishable(std::string_view address) {
  return !address.empty() && !address.starts_with("127.") && address != "::1" && address != "0.0.0.0" && address != "::";
}

void add_kubernetes_service(std::vector<Wanted>& out, const Config& config) {
  core_v1::Service service;
  service.metadata.name = "kubernetes";
  service.metadata.namespace_ = "default";
  service.metadata.labels["component"] = "apiserver";
  service.metadata.labels["provider"] = "kubernetes";
  auto& spec = service.spec;
  spec.type = "ClusterIP";
  spec.session_affinity = "None";
  spec.cluster_ip = config.kubernetes_service_ip;
  spec.cluster_ips = {config.kubernetes_service_ip};
  spec.ip_family_policy = "SingleStack";
  spec.ip_families = {config.kubernetes_service_ip.find(':') == std::string::npos ? "IPv4" : "IPv6"};
  spec.internal_traffic_policy = "Cluster";
  spec.ports.resize(1);
  spec.ports[0].name = "https";
  spec.ports[0].protocol = "TCP";
  spec.ports[0].port = 443;
  spec.ports[0].target_port.int_value = config.secure_port;
  out.push_back(want<core_v1::Service>({"", "services"}, std::move(service)));
}

void add_kubernetes_endpoints(std::vector<Wanted>& out, const Config& config) {
  if (!publishable(config.advertise_address)) return;
  core_v1::Endpoints endpoints;
  endpoints.metadata.name = "kubernetes";
  endpoints.metadata.namespace_ = "default";
  endpoints.metadata.labels["endpointslice.kubernetes.io/skip-mirror"] = "true";
  endpoints.subsets.resize(1);
  endpoints.subsets[0].addresses.resize(1);
  endpoints.subsets[0].addresses[0].ip = config.advertise_address;
  endpoints.subsets[0].ports.resize(1);
  endpoints.subsets[0].ports[0].name = "https";
  endpoints.subsets[0].ports[0].port = config.secure_port;
  endpoints.subsets[0].ports[0].protocol = "TCP";
  Wanted wanted = want<core_v1::Endpoints>({"", "endpoints"}, endpoints);
  wanted.complete = [endpoints](Object& stored) {
    auto& there = stored.as<core_v1::Endpoints>();
    core_v1::Endpoints now = there;
    now.subsets = endpoints.subsets;
    if (equal(type_of<core_v1::Endpoints>(), &now, &there)) return false;
    there = std::move(now);
    return true;
  };
  out.push_back(std::move(wanted));

  discovery_v1::EndpointSlice slice;
  slice.metadata.name = "kubernetes";
  slice.metadata.namespace_ = "default";
  slice.metadata.labels["kubernetes.io/service-name"] = "kubernetes";
  slice.address_type = config.advertise_address.find(':') == std::string::npos ? "IPv4" : "IPv6";
  slice.endpoints.resize(1);
  slice.endpoints[0].addresses = {config.advertise_address};
  slice.endpoints[0].conditions.ready = true;
  slice.ports.resize(1);
  slice.ports[0].name = "https";
  slice.ports[0].port = config.secure_port;
  slice.ports[0].protocol = "TCP";
  Wanted wanted_slice = want<discovery_v1::EndpointSlice>({"discovery.k8s.io", "endpointslices"}, slice);
  wanted_slice.complete = [slice](Object& stored) {
    auto& there = stored.as<discovery_v1::EndpointSlice>();
    discovery_v1::EndpointSlice now = there;
    now.endpoints = slice.endpoints;
    now.ports = slice.ports;
    if (equal(type_of<discovery_v1::EndpointSlice>(), &now, &there)) return false;
    there = std::move(now);
    return true;
  };
  out.push_back(std::move(wanted_slice));
}

}  // namespace

core_v1::ConfigMap token_tracking_map(int64_t now_seconds) {
  core_v1::ConfigMap map;
  map.metadata.name = apimachinery::token_tracking_name;
  map.metadata.namespace_ = apimachinery::token_tracking_namespace;
  map.data[apimachinery::token_tracking_key] = apimachinery::to_day(now_seconds);
  return map;
}

std::vector<Wanted> first_objects(const Config& config) {
  std::vector<Wanted> out;
  add_namespaces(out);
  RbacPolicy policy = default_rbac_policy();
  add_rbac(out, "clusterroles", std::move(policy.cluster_roles));
  add_rbac(out, "clusterrolebindings", std::move(policy.cluster_role_bindings));
  add_rbac(out, "roles", std::move(policy.roles));
  add_rbac(out, "rolebindings", std::move(policy.role_bindings));
  add_flow_control<flowcontrol_v1::PriorityLevelConfiguration>(out, "prioritylevelconfigurations", priority_levels);
  add_flow_control<flowcontrol_v1::FlowSchema>(out, "flowschemas", flow_schemas);
  add_priority_classes(out);
  add_api_services(out, config);
  add_config_maps(out, config);
  add_service_cidr(out, config);
  return out;
}

std::vector<Wanted> second_objects(const Config& config) {
  std::vector<Wanted> out;
  if (!config.kubernetes_service_ip.empty()) add_kubernetes_service(out, config);
  add_kubernetes_endpoints(out, config);
  return out;
}

}  // namespace pintle::apiserver::bootstrap

#include "rules/quota/usage.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>

#include "base/flat_map_merge.h"
#include "rules/pod_state.h"
#include "rules/quota/pod_scopes.h"
#include "rules/resource_names.h"

namespace pintle::rules::quota {
namespace {

using namespace api::core_v1;
using api::Quantity;

constexpr std::string_view class_suffix = ".storageclass.storage.k8s.io/";
constexpr std::string_view pod_names[] = {"count/pods",
                                          "cpu",
                                          "memory",
                                          "ephemeral-storage",
                                          "requests.cpu",
                                          "requests.memory",
                                          "requests.ephemeral-storage",
                                          "limits.cpu",
                                          "limits.memory",
                                          "limits.ephemeral-storage",
                                          "pods"};
constexpr std::string_view service_names[] = {"count/services", "services", "services.nodeports", "services.loadbalancers"};
constexpr std::string_view claim_names[] = {"persistentvolumeclaims", "requests.storage"};

bool one_of(std::span<const std::string_view> list, std::string_view name) { return std::find(list.begin(), list.end(), name) != list.end(); }

bool is_device_class(std::string_view name) { return name.starts_with("deviceclass.resource.kubernetes.io/"); }

// "count/pods", "count/deployments.apps"
std::string count_name(const CountedResource& resource) {
  std::string out = "count/" + resource.resource;
  if (!resource.group.empty()) out.append(".").append(resource.group);
  return out;
}
// The name from before count/ existed; "" if there was none.
std::string old_count_name(const CountedResource& resource) {
  constexpr std::string_view kinds[] = {"configmaps", "resourcequotas", "replicationcontrollers", "secrets"};
  return resource.group.empty() && one_of(kinds, resource.resource) ? resource.resource : std::string();
}

bool is_counted(const CountedResource& resource, std::string_view name) {
  if (name == count_name(resource)) return true;
  if (resource.group.empty()) {
    if (resource.resource == "pods") {
      if (one_of(pod_names, name) || is_huge_pages(name) || name.starts_with("requests.hugepages-")) return true;
      return name.starts_with("requests.") && (!is_native_resource(name) || is_device_class(name.substr(9)));
    }
    if (resource.resource == "services") return one_of(service_names, name);
    if (resource.resource == "persistentvolumeclaims") {
      if (one_of(claim_names, name)) return true;
      const auto at = name.find(class_suffix);
      return at != std::string_view::npos && one_of(claim_names, name.substr(at + class_suffix.size()));
    }
  }
  return name == old_count_name(resource);
}

// cpu is counted as cpu and as requests.cpu; vendors' resources as requests.NAME alone.
ResourceList compute_usage(const ResourceList& requests, const ResourceList& limits) {
  ResourceList out;
  out["pods"] = Quantity::from_int(1);
  for (const char* name : {"cpu", "memory", "ephemeral-storage"}) {
    if (const Quantity* request = requests.get(name)) {
      out[name] = *request;
      out[std::string("requests.") + name] = *request;
    }
    if (const Quantity* limit = limits.get(name)) out[std::string("limits.") + name] = *limit;
  }
  for (const auto& [name, quantity] : requests) {
    if (is_huge_pages(name)) out[name] = quantity;
    if (is_huge_pages(name) || !is_native_resource(name) || is_device_class(name)) out["requests." + name] = quantity;
  }
  return out;
}

ResourceList pod_usage(const Pod& pod) {
  ResourceList out;
  const PodResourceOptions resized{.status = &pod.status};
  if (!is_terminal(pod)) out = compute_usage(pod_requests(pod.spec, resized), pod_limits(pod.spec, resized));
  out["count/pods"] = Quantity::from_int(1);
  return out;
}

ResourceList service_usage(const Service& service) {
  ResourceList out;
  out["count/services"] = out["services"] = Quantity::from_int(1);
  const auto ports = static_cast<int64_t>(service.spec.ports.size());
  if (service.spec.type == "NodePort") out["services.nodeports"] = Quantity::from_int(ports);
  if (service.spec.type != "LoadBalancer") return out;
  out["services.loadbalancers"] = Quantity::from_int(1);
  const auto stated =
      std::count_if(service.spec.ports.begin(), service.spec.ports.end(), [](const ServicePort& port) { return port.node_port != 0; });
  out["services.nodeports"] = Quantity::from_int(service.spec.allocate_load_balancer_node_ports.value_or(true) ? ports : stated);
  return out;
}

ResourceList claim_usage(const PersistentVolumeClaim& claim) {
  ResourceList out;
  out["count/persistentvolumeclaims"] = out["persistentvolumeclaims"] = Quantity::from_int(1);
  const Quantity* size = claim.spec.resources.requests.get("storage");
  if (size) out["requests.storage"] = *size;
  const std::string* old = claim.metadata.annotations.get("volume.beta.kubernetes.io/storage-class");
  const std::string its_class = old ? *old : claim.spec.storage_class_name.value_or("");
  if (its_class.empty()) return out;
  const std::string prefix = its_class + std::string(class_suffix);
  out[prefix + "persistentvolumeclaims"] = Quantity::from_int(1);
  if (size) out[prefix + "requests.storage"] = *size;
  return out;
}

}  // namespace

ResourceList usage_of(const CountedResource& resource, const api::Object& object) {
  if (object.is<Pod>()) return pod_usage(object.as<Pod>());
  if (object.is<Service>()) return service_usage(object.as<Service>());
  if (object.is<PersistentVolumeClaim>()) return claim_usage(object.as<PersistentVolumeClaim>());
  ResourceList out;
  out[count_name(resource)] = Quantity::from_int(1);
  if (const std::string name = old_count_name(resource); !name.empty()) out[name] = Quantity::from_int(1);
  return out;
}

std::vector<std::string> counted_names(const CountedResource& resource, const ResourceList& hard) {
  std::vector<std::string> out;
  for (const auto& [name, quantity] : hard)
    if (is_counted(resource, name)) out.push_back(name);
  return out;
}

std::string missing_requests(const std::vector<std::string>& names, const api::Object& object) {
  constexpr std::string_view demanded[] = {"cpu", "memory", "requests.cpu", "requests.memory", "limits.cpu", "limits.memory"};
  if (!object.is<Pod>()) return {};
  const PodSpec& spec = object.as<Pod>().spec;
  if (spec.resources && (!spec.resources->requests.empty() || !spec.resources->limits.empty())) return {};
  std::map<std::string, std::set<std::string>> missing;
  const auto look = [&](const Container& container) {
    const ResourceList stated = compute_usage(container.resources.requests, container.resources.limits);
    for (const auto& name : names)
      if (one_of(demanded, name) && !stated.contains(name)) missing[name].insert(container.name);
  };
  std::for_each(spec.containers.begin(), spec.containers.end(), look);
  std::for_each(spec.init_containers.begin(), spec.init_containers.end(), look);
  std::string out;
  for (const auto& [name, containers] : missing)
    out += fmt::format("{}{} for: {}", out.empty() ? "must specify " : "; ", name, fmt::join(containers, ","));
  return out;
}

bool matches_scope(const ScopedResourceSelectorRequirement& scope, const api::Object& object) {
  if (object.is<Pod>()) return pod_in_scope(object.as<Pod>(), scope);
  return object.is<PersistentVolumeClaim>() && claim_in_scope(object.as<PersistentVolumeClaim>(), scope);
}

std::vector<ScopedResourceSelectorRequirement> scopes_of(const ResourceQuota& quota) {
  std::vector<ScopedResourceSelectorRequirement> scopes;
  for (const auto& scope : quota.spec.scopes) scopes.push_back({scope, "Exists", {}});
  if (quota.spec.scope_selector)
    for (const auto& scope : quota.spec.scope_selector->match_expressions) scopes.push_back(scope);
  return scopes;
}

bool in_scope(const ResourceQuota& quota, const api::Object& object) {
  return std::ranges::all_of(scopes_of(quota), [&](const ScopedResourceSelectorRequirement& scope) { return matches_scope(scope, object); });
}

void add_resources(ResourceList& into, const ResourceList& more) {
  merge_maps(into, more, [](api::Quantity& there, const api::Quantity& quantity) { there = there + quantity; });
}

std::string to_text(const ResourceList& list) {
  std::string out;
  for (const auto& [name, quantity] : list) {
    if (!out.empty()) out += ',';
    out.append(name).append("=").append(quantity.text());
  }
  return out;
}

ResourceList mask(const ResourceList& list, const std::vector<std::string>& names) {
  ResourceList out;
  for (const auto& name : names)
    if (const Quantity* quantity = list.get(name)) out[name] = *quantity;
  return out;
}

}  // namespace pintle::rules::quota

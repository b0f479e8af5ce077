#include "kubelet/downward/downward.h"

#include <cmath>

#include "codec/json_text.h"

namespace pintle::kubelet::downward {

namespace core = api::core_v1;

namespace {

std::string join(const std::vector<std::string>& texts) {
  std::string out;
  for (const std::string& text : texts) {
    if (!out.empty()) out += ',';
    out += text;
  }
  return out;
}

std::string first(const std::vector<std::string>& texts) { return texts.empty() ? std::string() : texts.front(); }

// "metadata.labels['k']" -> "k"; false if `path` is not a subscript of `map`.
bool subscript(std::string_view path, std::string_view map, std::string_view& key) {
  if (!path.starts_with(map)) return false;
  path.remove_prefix(map.size());
  if (!path.starts_with("['") || !path.ends_with("']") || path.size() < 4) return false;
  key = path.substr(2, path.size() - 4);
  return true;
}

std::string value_at(const FlatMap<std::string>& map, std::string_view key) {
  const std::string* value = map.get(key);
  return value ? *value : std::string();
}

const core::Container* find(const core::PodSpec& spec, std::string_view name) {
  for (const core::Container& container : spec.containers)
    if (container.name == name) return &container;
  for (const core::Container& container : spec.init_containers)
    if (container.name == name) return &container;
  return nullptr;
}

bool is_defaulted(std::string_view resource) { return resource == "cpu" || resource == "memory" || resource == "ephemeral-storage"; }

// The limit, or what stands for it: the pod's, then the node's.
api::Quantity limit_of(const core::Pod& pod, const core::Container& container, std::string_view resource, const FlatMap<api::Quantity>& allocatable) {
  const api::Quantity* own = container.resources.limits.get(resource);
  if (own && !own->is_zero()) return *own;
  if (!is_defaulted(resource)) return own ? *own : api::Quantity();
  const api::Quantity* pods = pod.spec.resources && resource != "ephemeral-storage" ? pod.spec.resources->limits.get(resource) : nullptr;
  if (pods && !pods->is_zero()) return *pods;
  const api::Quantity* nodes = allocatable.get(resource);
  return nodes ? *nodes : api::Quantity();
}

std::string divide(const api::Quantity& amount, const api::Quantity& divisor, bool milli) {
  const api::Quantity one = api::Quantity::from_int(1);
  const api::Quantity& by = divisor.is_zero() ? one : divisor;
  const double above = milli ? static_cast<double>(amount.milli_value()) : static_cast<double>(amount.value());
  const double below = milli ? static_cast<double>(by.milli_value()) : static_cast<double>(by.value());
  return std::to_string(static_cast<int64_t>(std::ceil(above / below)));
}

}  // namespace

std::string format_map(const FlatMap<std::string>& map) {
  std::string out;
  for (const auto& [key, value] : map) {
    if (!out.empty()) out += '\n';
    out += key + "=" + codec::go_quote(value);
  }
  return out;
}

Result<std::string> field_value(const core::Pod& pod, std::string_view path, const PodAddresses& addresses) {
  if (path == "metadata.name") return pod.metadata.name;
  if (path == "metadata.namespace") return pod.metadata.namespace_;
  if (path == "metadata.uid") return pod.metadata.uid;
  if (path == "metadata.labels") return format_map(pod.metadata.labels);
  if (path == "metadata.annotations") return format_map(pod.metadata.annotations);
  if (path == "spec.nodeName") return pod.spec.node_name;
  if (path == "spec.serviceAccountName") return pod.spec.service_account_name;
  if (path == "status.hostIP") return first(addresses.host_ips);
  if (path == "status.hostIPs") return join(addresses.host_ips);
  if (path == "status.podIP") return first(addresses.pod_ips);
  if (path == "status.podIPs") return join(addresses.pod_ips);
  std::string_view key;
  if (subscript(path, "metadata.labels", key)) return value_at(pod.metadata.labels, key);
  if (subscript(path, "metadata.annotations", key)) return value_at(pod.metadata.annotations, key);
  return error(Reason::Invalid, "unsupported fieldPath: " + std::string(path));
}

Result<std::string> resource_value_text(const core::Pod& pod, const core::Container* container, const core::ResourceFieldSelector& selector,
                                        const FlatMap<api::Quantity>& node_allocatable) {
  const core::Container* subject = selector.container_name.empty() ? container : find(pod.spec, selector.container_name);
  if (!subject) return error(Reason::Invalid, "container " + selector.container_name + " not found");
  const std::string_view resource = selector.resource;
  const std::size_t dot = resource.find('.');
  const std::string_view side = resource.substr(0, dot);
  const std::string_view name = dot == std::string_view::npos ? std::string_view() : resource.substr(dot + 1);
  if ((side != "limits" && side != "requests") || (!is_defaulted(name) && !name.starts_with("hugepages-")))
    return error(Reason::Invalid, "unsupported container resource : " + selector.resource);
  api::Quantity amount;
  if (side == "limits") {
    amount = limit_of(pod, *subject, name, node_allocatable);
  } else if (const api::Quantity* request = subject->resources.requests.get(name)) {
    amount = *request;
  }
  return divide(amount, selector.divisor, name == "cpu");
}

}  // namespace pintle::kubelet::downward

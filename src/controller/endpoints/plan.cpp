#include "controller/endpoints/plan.h"

#include <algorithm>

#include "api/codec.h"
#include "apimachinery/validation/formats.h"
#include "controller/services/service_pods.h"

namespace pintle::controller::endpoints {

using api::core_v1::EndpointAddress;
using api::core_v1::EndpointPort;
using api::core_v1::Pod;
using api::core_v1::Service;

namespace {

constexpr std::string_view over_capacity_annotation = "endpoints.kubernetes.io/over-capacity";
constexpr std::string_view headless_label = "service.kubernetes.io/headless";

// The pod's address of the service's first family.
std::string address_of(const Service& service, const Pod& pod) {
  bool v6 = service.spec.cluster_ip.contains(':');
  if (!service.spec.ip_families.empty()) v6 = service.spec.ip_families[0] == "IPv6";
  for (const auto& ip : pod.status.pod_ips)
    if (ip.ip.contains(':') == v6) return ip.ip;
  return "";
}

EndpointAddress make_address(const Service& service, const Pod& pod, std::string ip) {
  EndpointAddress address;
  address.ip = std::move(ip);
  address.hostname = services::endpoint_hostname(service, pod);
  if (!pod.spec.node_name.empty()) address.node_name = pod.spec.node_name;
  auto& ref = address.target_ref.ensure();
  ref.kind = "Pod";
  ref.namespace_ = pod.metadata.namespace_;
  ref.name = pod.metadata.name;
  ref.uid = pod.metadata.uid;
  return address;
}

EndpointSubset subset_of(const Service& service, const Pod& pod, const EndpointAddress& address, std::vector<EndpointPort> ports) {
  EndpointSubset subset;
  subset.ports = std::move(ports);
  (service.spec.publish_not_ready_addresses || rules::is_ready(pod) ? subset.addresses : subset.not_ready_addresses).push_back(address);
  return subset;
}

// Ready addresses stay before others; true if some had to go.
bool truncate(std::vector<EndpointSubset>& subsets) {
  std::size_t total = 0;
  for (const EndpointSubset& subset : subsets) total += subset.addresses.size() + subset.not_ready_addresses.size();
  if (total <= addresses_max) return false;
  std::size_t room = addresses_max;
  for (auto member : {&EndpointSubset::addresses, &EndpointSubset::not_ready_addresses})
    for (EndpointSubset& subset : subsets) {
      if ((subset.*member).size() > room) (subset.*member).resize(room);
      room -= (subset.*member).size();
    }
  std::erase_if(subsets, [](const EndpointSubset& subset) { return subset.addresses.empty() && subset.not_ready_addresses.empty(); });
  return true;
}

}  // namespace

Endpoints plan_endpoints(const Service& service, const std::vector<pods::PodPtr>& pods, const Endpoints& current) {
  std::vector<EndpointSubset> subsets;
  for (const pods::PodPtr& pod : pods) {
    if (!services::belongs_in_endpoints(*pod, service.spec.publish_not_ready_addresses)) continue;
    std::string ip = address_of(service, *pod);
    if (ip.empty()) continue;
    const EndpointAddress address = make_address(service, *pod, std::move(ip));
    if (service.spec.ports.empty()) {
      if (service.spec.cluster_ip == "None") subsets.push_back(subset_of(service, *pod, address, {}));
      continue;
    }
    for (const auto& service_port : service.spec.ports) {
      const auto number = services::find_port(*pod, service_port);
      if (!number) continue;
      EndpointPort port;
      port.name = service_port.name;
      port.port = *number;
      port.protocol = service_port.protocol;
      port.app_protocol = service_port.app_protocol;
      subsets.push_back(subset_of(service, *pod, address, {port}));
    }
  }
  Endpoints out = current;
  out.metadata.name = service.metadata.name;
  out.metadata.namespace_ = service.metadata.namespace_;
  out.metadata.labels = service.metadata.labels;
  if (!services::has_cluster_ip(service)) {
    out.metadata.labels[headless_label] = "";
  } else {
    out.metadata.labels.erase(headless_label);
  }
  out.metadata.labels[managed_by_label] = managed_by;
  out.subsets = repack(subsets);
  if (truncate(out.subsets)) {
    out.metadata.annotations[over_capacity_annotation] = "truncated";
  } else {
    out.metadata.annotations.erase(over_capacity_annotation);
  }
  return out;
}

bool differ(const Endpoints& a, const Endpoints& b) {
  if (a.metadata.labels != b.metadata.labels ||
      a.metadata.annotations.contains(over_capacity_annotation) != b.metadata.annotations.contains(over_capacity_annotation))
    return true;
  const auto left = repack(a.subsets), right = repack(b.subsets);
  return !std::ranges::equal(left, right,
                             [](const EndpointSubset& x, const EndpointSubset& y) { return api::equal(api::type_of<EndpointSubset>(), &x, &y); });
}

}  // namespace pintle::controller::endpoints

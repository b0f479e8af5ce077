#include <algorithm>
#include <map>

#include "api/codec.h"
#include "base/ip_address.h"
#include "controller/endpoints/plan.h"
#include "controller/objects/owner.h"
#include "controller/services/service_pods.h"

namespace pintle::controller::endpoints {

using api::discovery_v1::Endpoint;

namespace {

constexpr std::string_view service_name_label = "kubernetes.io/service-name";
constexpr std::string_view slice_managed_by_label = "endpointslice.kubernetes.io/managed-by";
constexpr std::string_view last_applied_annotation = "kubectl.kubernetes.io/last-applied-configuration";

// One slice to be: the endpoints of a set of ports and a family.
struct Wanted {
  std::vector<api::discovery_v1::EndpointPort> ports;
  std::string family;
  std::vector<Endpoint> endpoints;
};

std::string key_of(const std::vector<api::discovery_v1::EndpointPort>& ports, const std::string& family) {
  std::vector<std::string> texts;
  for (const auto& port : ports) {
    std::string text;
    api::encode_proto(api::type_of<api::discovery_v1::EndpointPort>(), &port, text);
    texts.push_back(std::move(text));
  }
  std::ranges::sort(texts);
  std::string key = family;
  for (const std::string& text : texts) key += '\n' + text;
  return key;
}

std::vector<api::discovery_v1::EndpointPort> slice_ports(const EndpointSubset& subset) {
  std::vector<api::discovery_v1::EndpointPort> out;
  for (const auto& from : subset.ports) {
    api::discovery_v1::EndpointPort port;
    port.name = from.name;
    port.port = from.port;
    port.protocol = from.protocol;
    port.app_protocol = from.app_protocol;
    out.push_back(std::move(port));
  }
  return out;
}

EndpointSlice make_slice(const Endpoints& endpoints, const Wanted& wanted) {
  EndpointSlice slice;
  slice.metadata.namespace_ = endpoints.metadata.namespace_;
  slice.metadata.generate_name = endpoints.metadata.name + "-";
  slice.metadata.owner_references.push_back(rules::controller_reference("v1", "Endpoints", endpoints.metadata));
  slice.metadata.labels = endpoints.metadata.labels;
  slice.metadata.labels[service_name_label] = endpoints.metadata.name;
  slice.metadata.labels[slice_managed_by_label] = mirror_manager;
  slice.metadata.annotations = endpoints.metadata.annotations;
  slice.metadata.annotations.erase(services::trigger_time_annotation);
  slice.metadata.annotations.erase(last_applied_annotation);
  slice.address_type = wanted.family;
  slice.ports = wanted.ports;
  slice.endpoints = wanted.endpoints;
  return slice;
}

bool same(const EndpointSlice& a, const EndpointSlice& b) {
  if (a.metadata.labels != b.metadata.labels || a.metadata.annotations != b.metadata.annotations || a.endpoints.size() != b.endpoints.size())
    return false;
  const auto *owner_a = rules::controller_of(a.metadata), *owner_b = rules::controller_of(b.metadata);
  if (owner_a == nullptr || owner_b == nullptr || owner_a->uid != owner_b->uid) return false;
  return std::ranges::is_permutation(a.endpoints, b.endpoints,
                                     [](const Endpoint& x, const Endpoint& y) { return api::equal(api::type_of<Endpoint>(), &x, &y); });
}

// Counts how the endpoints of a slice change; `before` nullptr: the slice is new.
void count_changes(const EndpointSlice* before, const std::vector<Endpoint>& after, services::SliceCensus& census) {
  std::map<std::vector<std::string>, const Endpoint*> there;
  if (before != nullptr)
    for (const Endpoint& endpoint : before->endpoints) there[endpoint.addresses] = &endpoint;
  for (const Endpoint& endpoint : after) {
    const auto it = there.find(endpoint.addresses);
    if (it == there.end()) {
      ++census.added;
      continue;
    }
    if (!api::equal(api::type_of<Endpoint>(), it->second, &endpoint)) ++census.updated;
    there.erase(it);
  }
  census.removed += there.size();
}

std::map<std::string, Wanted> wanted_of(const Endpoints& endpoints, int subset_max, MirrorPlan& plan) {
  std::map<std::string, Wanted> out;
  for (const EndpointSubset& subset : repack(endpoints.subsets)) {
    const auto ports = slice_ports(subset);
    int added = 0;
    for (const bool ready : {true, false})
      for (const auto& address : ready ? subset.addresses : subset.not_ready_addresses) {
        const auto ip = parse_address(address.ip);
        if (!ip) {
          ++plan.invalid_addresses;
          continue;
        }
        if (added == subset_max) {
          ++plan.skipped_addresses;
          continue;
        }
        ++added;
        const std::string family(family_name(ip->family));
        Wanted& wanted = out[key_of(ports, family)];
        wanted.ports = ports;
        wanted.family = family;
        Endpoint endpoint;
        endpoint.addresses.push_back(ip->to_string());
        endpoint.conditions.ready = ready;
        endpoint.target_ref = address.target_ref;
        endpoint.node_name = address.node_name;
        if (!address.hostname.empty()) endpoint.hostname = address.hostname;
        wanted.endpoints.push_back(std::move(endpoint));
      }
  }
  return out;
}

}  // namespace

bool is_mirrored(const Endpoints& endpoints) {
  const std::string* skip = endpoints.metadata.labels.get("endpointslice.kubernetes.io/skip-mirror");
  return (skip == nullptr || *skip != "true") && !endpoints.metadata.annotations.contains("control-plane.alpha.kubernetes.io/leader");
}

MirrorPlan plan_mirror(const Endpoints& endpoints, const std::vector<SlicePtr>& slices, int subset_max) {
  MirrorPlan plan;
  std::map<std::string, Wanted> wanted = wanted_of(endpoints, subset_max, plan);
  for (const auto& [key, want] : wanted) plan.census.group(want.endpoints.size(), static_cast<std::size_t>(std::max(1, subset_max)));
  for (const SlicePtr& slice : slices) {
    auto it = wanted.find(key_of(slice->ports, slice->address_type));
    if (it == wanted.end()) {
      plan.remove.push_back(slice);
      plan.census.removed += slice->endpoints.size();
      continue;
    }
    EndpointSlice next = make_slice(endpoints, it->second);
    count_changes(slice.get(), next.endpoints, plan.census);
    if (!same(*slice, next)) {
      next.metadata.name = slice->metadata.name;
      next.metadata.resource_version = slice->metadata.resource_version;
      plan.update.push_back(std::move(next));
    }
    wanted.erase(it);
  }
  if (!endpoints.metadata.deletion_timestamp)
    for (const auto& [key, want] : wanted) {
      count_changes(nullptr, want.endpoints, plan.census);
      plan.create.push_back(make_slice(endpoints, want));
    }
  plan.census.slices = slices.size() + plan.create.size() - plan.remove.size();
  return plan;
}

}  // namespace pintle::controller::endpoints

#include "controller/endpointslice/plan.h"

#include <algorithm>
#include <map>
#include <set>

#include "api/codec.h"
#include "base/ip_address.h"
#include "base/strings.h"
#include "controller/objects/owner.h"
#include "controller/services/service_pods.h"

namespace pintle::controller::endpointslice {

using api::core_v1::Pod;
using api::core_v1::Service;
using api::discovery_v1::Endpoint;
using api::discovery_v1::EndpointPort;

namespace {

constexpr std::string_view reserved_labels[] = {service_name_label, managed_by_label, headless_label};

std::vector<std::string> families_of(const Service& service) {
  if (!service.spec.ip_families.empty()) return service.spec.ip_families;
  if (services::has_cluster_ip(service)) return {service.spec.cluster_ip.contains(':') ? "IPv6" : "IPv4"};
  return {"IPv4", "IPv6"};
}

FlatMap<std::string> labels_for(const Service& service) {
  FlatMap<std::string> labels;
  for (const auto& [key, value] : service.metadata.labels)
    if (!contains(reserved_labels, key)) labels[key] = value;
  if (!services::has_cluster_ip(service)) labels[headless_label] = "";
  labels[service_name_label] = service.metadata.name;
  labels[managed_by_label] = managed_by;
  return labels;
}

// Whether the slice's labels follow the service's, the reserved ones aside.
bool labels_follow(const EndpointSlice& slice, const FlatMap<std::string>& wanted) {
  FlatMap<std::string> ours = slice.metadata.labels, theirs = wanted;
  for (const std::string_view label : reserved_labels) {
    ours.erase(label);
    theirs.erase(label);
  }
  return ours == theirs;
}

EndpointSlice new_slice(const Service& service, const std::string& family, std::vector<EndpointPort> ports) {
  EndpointSlice slice;
  slice.metadata.namespace_ = service.metadata.namespace_;
  slice.metadata.generate_name = service.metadata.name + "-";
  slice.metadata.labels = labels_for(service);
  slice.metadata.owner_references.push_back(rules::controller_reference("v1", "Service", service.metadata));
  slice.address_type = family;
  slice.ports = std::move(ports);
  return slice;
}

std::vector<EndpointPort> ports_of(const Service& service, const Pod& pod) {
  std::vector<EndpointPort> out;
  for (const auto& port : service.spec.ports) {
    const auto number = services::find_port(pod, port);
    if (!number) continue;  // a pod that lacks the name is reached on the other ports
    EndpointPort endpoint_port;
    endpoint_port.name = port.name;
    endpoint_port.protocol = port.protocol;
    endpoint_port.port = *number;
    endpoint_port.app_protocol = port.app_protocol;
    out.push_back(std::move(endpoint_port));
  }
  return out;
}

std::string ports_key(std::vector<EndpointPort> ports) {
  std::vector<std::string> texts;
  for (const EndpointPort& port : ports) {
    std::string text;
    api::encode_proto(api::type_of<EndpointPort>(), &port, text);
    texts.push_back(std::move(text));
  }
  std::ranges::sort(texts);
  std::string key;
  for (const std::string& text : texts) key += text + '\n';
  return key;
}

std::string endpoint_key(const Endpoint& endpoint) {
  std::vector<std::string> addresses = endpoint.addresses;
  std::ranges::sort(addresses);
  std::string key;
  for (const std::string& address : addresses) key += address + ",";
  if (endpoint.target_ref) key += endpoint.target_ref->uid;
  return key + "/" + endpoint.hostname.value_or("");
}

void add_hints(const Service& service, Endpoint& endpoint) {
  const std::string& wish = service.spec.traffic_distribution ? *service.spec.traffic_distribution : std::string();
  const bool same_node = wish == "PreferSameNode";
  if ((wish != "PreferClose" && wish != "PreferSameZone" && !same_node) || !endpoint.conditions.ready.value_or(false)) return;
  api::discovery_v1::EndpointHints hints;
  if (endpoint.zone) {
    api::discovery_v1::ForZone zone;
    zone.name = *endpoint.zone;
    hints.for_zones.push_back(std::move(zone));
  }
  if (same_node && endpoint.node_name) {
    api::discovery_v1::ForNode node;
    node.name = *endpoint.node_name;
    hints.for_nodes.push_back(std::move(node));
  }
  if (!hints.for_zones.empty() || !hints.for_nodes.empty()) endpoint.hints = std::move(hints);
}

Endpoint make_endpoint(const Service& service, const Pod& pod, const api::core_v1::Node* node, std::string_view family) {
  Endpoint endpoint;
  for (const auto& ip : pod.status.pod_ips) {
    const auto parsed = parse_address(ip.ip);
    if (parsed && family_name(parsed->family) == family) endpoint.addresses.push_back(parsed->to_string());
  }
  const bool serving = rules::is_ready(pod), terminating = pods::is_deleted(pod.metadata);
  endpoint.conditions.ready = service.spec.publish_not_ready_addresses || (serving && !terminating);
  endpoint.conditions.serving = serving;
  endpoint.conditions.terminating = terminating;
  if (std::string hostname = services::endpoint_hostname(service, pod); !hostname.empty()) endpoint.hostname = std::move(hostname);
  auto& ref = endpoint.target_ref.ensure();
  ref.kind = "Pod";
  ref.namespace_ = pod.metadata.namespace_;
  ref.name = pod.metadata.name;
  ref.uid = pod.metadata.uid;
  if (!pod.spec.node_name.empty()) endpoint.node_name = pod.spec.node_name;
  if (node != nullptr)
    if (const std::string* zone = node->metadata.labels.get("topology.kubernetes.io/zone"); zone != nullptr && !zone->empty()) endpoint.zone = *zone;
  add_hints(service, endpoint);
  return endpoint;
}

// The endpoints that share one set of ports, and the slices there are of it.
struct PortGroup {
  std::vector<EndpointPort> ports;
  std::map<std::string, Endpoint> wanted;  // by key, those without a slice yet
  std::vector<SlicePtr> slices;
};

class Family {
 public:
  Family(const Observed& seen, std::string family, Plan& plan)
      : seen_(seen), family_(std::move(family)), labels_(labels_for(seen.service)), plan_(plan) {}
  void run();

 private:
  void collect();
  void place(PortGroup& group);
  void keep_placeholder();
  void reuse_removed();
  bool is_ours(const EndpointSlice& slice) const { return rules::is_controlled_by(slice.metadata, seen_.service.metadata); }

  const Observed& seen_;
  const std::string family_;
  const FlatMap<std::string> labels_;
  Plan& plan_;
  std::map<std::string, PortGroup> groups_;
  std::size_t existing_ = 0;
  std::vector<EndpointSlice> create_, update_;
  std::vector<SlicePtr> remove_;
};

void Family::collect() {
  for (const SlicePtr& slice : seen_.slices) {
    if (slice->address_type != family_) continue;
    ++existing_;
    if (is_ours(*slice)) {
      groups_[ports_key(slice->ports)].slices.push_back(slice);
    } else {
      remove_.push_back(slice);
    }
  }
  for (const pods::PodPtr& pod : seen_.pods) {
    if (!services::belongs_in_endpoints(*pod, true)) continue;
    std::vector<EndpointPort> ports = ports_of(seen_.service, *pod);
    const auto node = pod->spec.node_name.empty() ? nullptr : seen_.node_of(pod->spec.node_name);
    // A pod on a node that is not known is left out; the node's arrival brings the service here again.
    if (node == nullptr && !seen_.service.spec.publish_not_ready_addresses) continue;
    Endpoint endpoint = make_endpoint(seen_.service, *pod, node.get(), family_);
    if (endpoint.addresses.empty()) continue;
    PortGroup& group = groups_[ports_key(ports)];
    group.ports = std::move(ports);
    std::string key = endpoint_key(endpoint);
    group.wanted[std::move(key)] = std::move(endpoint);
  }
}

// Endpoints stay where they are; changed slices are filled first, then one with room for all that is left, then new ones.
void Family::place(PortGroup& group) {
  plan_.census.group(group.wanted.size(), seen_.endpoints_max);
  std::vector<EndpointSlice> changed;
  std::vector<SlicePtr> unchanged;
  for (const SlicePtr& slice : group.slices) {
    std::vector<Endpoint> kept;
    bool differs = false;
    for (const Endpoint& endpoint : slice->endpoints) {
      auto it = group.wanted.find(endpoint_key(endpoint));
      if (it == group.wanted.end()) {
        ++plan_.census.removed;
        differs = true;
        continue;
      }
      differs |= !api::equal(api::type_of<Endpoint>(), &it->second, &endpoint);
      kept.push_back(std::move(it->second));
      group.wanted.erase(it);
    }
    if (kept.empty()) {
      remove_.push_back(slice);
    } else if (differs || !labels_follow(*slice, labels_)) {
      EndpointSlice copy = *slice;
      copy.endpoints = std::move(kept);
      copy.metadata.labels = labels_;
      changed.push_back(std::move(copy));
    } else {
      unchanged.push_back(slice);
    }
  }
  plan_.census.added += group.wanted.size();
  const auto fill = [&](EndpointSlice& slice) {
    while (!group.wanted.empty() && slice.endpoints.size() < seen_.endpoints_max) {
      slice.endpoints.push_back(std::move(group.wanted.begin()->second));
      group.wanted.erase(group.wanted.begin());
    }
  };
  std::ranges::sort(changed, [](const EndpointSlice& a, const EndpointSlice& b) { return a.endpoints.size() > b.endpoints.size(); });
  for (EndpointSlice& slice : changed) fill(slice);
  while (!group.wanted.empty()) {
    // The fullest that has room for all.
    auto best = unchanged.end();
    for (auto it = unchanged.begin(); it != unchanged.end(); ++it)
      if ((*it)->endpoints.size() + group.wanted.size() <= seen_.endpoints_max &&
          (best == unchanged.end() || (*it)->endpoints.size() > (*best)->endpoints.size()))
        best = it;
    if (best != unchanged.end()) {
      EndpointSlice copy = **best;
      unchanged.erase(best);
      fill(copy);
      changed.push_back(std::move(copy));
    } else {
      EndpointSlice slice = new_slice(seen_.service, family_, group.ports);
      fill(slice);
      create_.push_back(std::move(slice));
    }
  }
  std::ranges::move(changed, std::back_inserter(update_));
}

// A service without endpoints has one slice that says so.
void Family::keep_placeholder() {
  if (existing_ != remove_.size() || !create_.empty()) return;
  if (remove_.size() == 1 && is_ours(*remove_[0]) && remove_[0]->endpoints.empty() && remove_[0]->ports.empty() &&
      remove_[0]->metadata.labels == labels_) {
    remove_.clear();
  } else {
    create_.push_back(new_slice(seen_.service, family_, {}));
  }
}

// A slice to be deleted becomes one to be created: one write for two.
void Family::reuse_removed() {
  std::erase_if(remove_, [&](const SlicePtr& slice) {
    if (create_.empty() || !is_ours(*slice)) return false;
    EndpointSlice made = std::move(create_.back());
    create_.pop_back();
    EndpointSlice copy = *slice;
    copy.endpoints = std::move(made.endpoints);
    copy.ports = std::move(made.ports);
    copy.metadata.labels = std::move(made.metadata.labels);
    update_.push_back(std::move(copy));
    return true;
  });
}

void Family::run() {
  collect();
  for (auto& [key, group] : groups_) place(group);
  keep_placeholder();
  reuse_removed();
  if (seen_.service.metadata.deletion_timestamp) create_.clear();  // its slices are being collected
  std::ranges::move(create_, std::back_inserter(plan_.create));
  std::ranges::move(update_, std::back_inserter(plan_.update));
  std::ranges::move(remove_, std::back_inserter(plan_.remove));
}

}  // namespace

Plan plan_slices(const Observed& observed) {
  Plan plan;
  const std::vector<std::string> families = families_of(observed.service);
  for (const SlicePtr& slice : observed.slices)
    if (std::ranges::find(families, slice->address_type) == families.end()) plan.remove.push_back(slice);
  for (const std::string& family : families) Family(observed, family, plan).run();
  plan.census.slices = observed.slices.size() + plan.create.size() - plan.remove.size();
  if (plan.census.slices_wanted == 0) plan.census.slices_wanted = 1;  // one says that there are none
  return plan;
}

}  // namespace pintle::controller::endpointslice

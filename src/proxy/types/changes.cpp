#include "proxy/types/changes.h"

#include <utility>

#include "api/codec.h"

namespace pintle::proxy {
namespace {

using api::core_v1::Node;
using api::core_v1::Service;
using api::discovery_v1::EndpointSlice;
using api::networking_v1::ServiceCIDR;

constexpr std::string_view service_name_label = "kubernetes.io/service-name";
constexpr std::string_view trigger_annotation = "endpoints.kubernetes.io/last-change-trigger-time";
// Headless services need no rules, and some services choose another proxy.
constexpr std::string_view served_selector = "!service.kubernetes.io/headless,!service.kubernetes.io/service-proxy-name";

const std::string* service_of(const EndpointSlice& slice) { return slice.metadata.labels.get(service_name_label); }

// What a change of a service's status or metadata does not touch needs no new rules.
bool matters(const Service& old_service, const Service& service) {
  if (old_service.metadata.labels != service.metadata.labels) return true;
  for (const Family family : {Family::IPv4, Family::IPv6})
    if (service_ports(old_service, family) != service_ports(service, family)) return true;
  return false;
}

bool matters(const Node& old_node, const Node& node) {
  return !api::equal(api::type_of<api::core_v1::NodeSpec>(), &old_node.spec, &node.spec) || old_node.metadata.labels != node.metadata.labels ||
         old_node.metadata.deletion_timestamp != node.metadata.deletion_timestamp ||
         old_node.status.addresses.size() != node.status.addresses.size() ||
         !std::equal(old_node.status.addresses.begin(), old_node.status.addresses.end(), node.status.addresses.begin(),
                     [](const auto& a, const auto& b) { return a.type == b.type && a.address == b.address; });
}

struct Marker {
  std::shared_ptr<Changes> changes;
  std::function<void()> on_change;

  void told() const {
    changes->pending.set();
    on_change();
  }
  void service(const Service& service) const {
    changes->services.insert({service.metadata.namespace_, service.metadata.name});
    ++changes->service_changes;
    told();
  }
  void slice(const EndpointSlice& slice) const {
    const std::string* service = service_of(slice);
    if (!service || service->empty()) return;
    changes->services.insert({slice.metadata.namespace_, *service});
    ++changes->endpoint_changes;
    told();
  }
  // Of an endpoint change the time of its cause is kept, to say how long the way to the rules was.
  void trigger(const EndpointSlice* old_slice, const EndpointSlice& slice) const {
    const std::string* text = slice.metadata.annotations.get(trigger_annotation);
    if (!text) return;
    const std::string* old_text = old_slice ? old_slice->metadata.annotations.get(trigger_annotation) : nullptr;
    if (old_text && *old_text == *text) return;
    if (auto time = api::parse_time(*text)) changes->triggers.push_back(*time);
  }
  void config() const {
    changes->config = true;
    told();
  }
};

}  // namespace

Sources make_sources(client::Informers& informers, const std::string& node_name, bool shared) {
  client::InformerOptions served;
  if (!shared) served.label_selector = served_selector;
  client::InformerOptions own_node;
  own_node.field_selector = "metadata.name=" + node_name;
  const auto node_informer = informers.of<Node>("proxy-node", own_node);
  if (shared) return {informers.of<Service>(), informers.of<EndpointSlice>(), node_informer, informers.of<ServiceCIDR>()};
  return {informers.of<Service>("proxy", served), informers.of<EndpointSlice>("proxy", served), node_informer, informers.of<ServiceCIDR>()};
}

void watch(Sources& sources, std::string node_name, std::shared_ptr<Changes> changes, std::function<void()> on_change) {
  const Marker mark{std::move(changes), std::move(on_change)};
  sources.slices.any().store().add_index(std::string(slices_by_service), [](const void* object) {
    const auto& slice = *static_cast<const EndpointSlice*>(object);
    const std::string* service = service_of(slice);
    return service ? std::vector<std::string>{slice.metadata.namespace_ + "/" + *service} : std::vector<std::string>{};
  });
  sources.services.add_handler({
      .on_add = [mark](const auto& service, bool) { mark.service(*service); },
      .on_update =
          [mark](const auto& old_service, const auto& service) {
            if (matters(*old_service, *service)) mark.service(*service);
          },
      .on_delete = [mark](const auto& service) { mark.service(*service); },
  });
  sources.slices.add_handler({
      .on_add =
          [mark](const auto& slice, bool initial) {
            if (!initial) mark.trigger(nullptr, *slice);
            mark.slice(*slice);
          },
      .on_update =
          [mark](const auto& old_slice, const auto& slice) {
            mark.trigger(old_slice.get(), *slice);
            const std::string* old_service = service_of(*old_slice);
            const std::string* service = service_of(*slice);
            if (old_service && (!service || *service != *old_service)) mark.slice(*old_slice);
            mark.slice(*slice);
          },
      .on_delete = [mark](const auto& slice) { mark.slice(*slice); },
  });
  sources.nodes.add_handler({
      .on_add =
          [mark, node_name](const auto& node, bool) {
            if (node->metadata.name == node_name) mark.config();
          },
      .on_update =
          [mark, node_name](const auto& old_node, const auto& node) {
            if (node->metadata.name == node_name && matters(*old_node, *node)) mark.config();
          },
      .on_delete =
          [mark, node_name](const auto& node) {
            if (node->metadata.name == node_name) mark.config();
          },
  });
  sources.service_cidrs.add_handler({
      .on_add = [mark](const auto&, bool) { mark.config(); },
      .on_update = [mark](const auto&, const auto&) { mark.config(); },
      .on_delete = [mark](const auto&) { mark.config(); },
  });
}

}  // namespace pintle::proxy

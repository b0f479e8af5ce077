#include "scheduler/plugins/pod_topology_spread/owner_selector.h"

#include <algorithm>

namespace pintle::scheduler::plugins {

namespace {

using api::apps_v1::ReplicaSet;
using api::apps_v1::StatefulSet;
using api::core_v1::ReplicationController;
using api::core_v1::Service;
using apimachinery::LabelOperator;
using apimachinery::LabelRequirement;

// Services by a label that they demand: those of a pod are found without a look at all others of its namespace.
constexpr const char* one_label = "label";

std::string label_in(const std::string& namespace_name, const std::string& label, const std::string& value) {
  return namespace_name + "/" + label + "=" + value;
}

// Only the selectors are read.
template <class T>
client::InformerOptions selectors_only() {
  client::InformerOptions options;
  options.transform = [](api::Object& object) {
    T& workload = object.as<T>();
    workload.metadata.annotations.clear();
    workload.spec.template_ = {};
    workload.status = {};
  };
  return options;
}

bool selects(const FlatMap<std::string>& selector, const FlatMap<std::string>& labels) {
  return !selector.empty() && std::ranges::all_of(selector, [&](const auto& item) {
    const std::string* value = labels.get(item.first);
    return value != nullptr && *value == item.second;
  });
}

void add_all(const FlatMap<std::string>& selector, FlatMap<std::string>& out) {
  for (const auto& [key, value] : selector) out[key] = value;
}

void add_requirements(const api::meta_v1::LabelSelector* selector, std::vector<LabelRequirement>& out) {
  const auto parsed = apimachinery::to_label_selector(selector);
  if (!parsed) return;  // the API server refuses such
  for (const LabelRequirement& requirement : parsed->requirements()) out.push_back(requirement);
}

}  // namespace

OwnerSelector::OwnerSelector(client::Informers& informers)
    : services_(informers.of<Service>()),
      controllers_(informers.of<ReplicationController>("selectors", selectors_only<ReplicationController>())),
      replica_sets_(informers.of<ReplicaSet>("selectors", selectors_only<ReplicaSet>())),
      stateful_sets_(informers.of<StatefulSet>("selectors", selectors_only<StatefulSet>())) {
  if (services_.has_index(one_label)) return;  // of another profile
  services_.add_index(one_label, [](const Service& service) {
    std::vector<std::string> out;
    if (const auto& selector = service.spec.selector; !selector.empty())
      out.push_back(label_in(service.metadata.namespace_, selector.begin()->first, selector.begin()->second));
    return out;
  });
}

apimachinery::LabelSelector OwnerSelector::of(const Pod& pod) const {
  FlatMap<std::string> labels;
  for (const auto& [label, value] : pod.metadata.labels)
    for (const auto& service : services_.by_index(one_label, label_in(pod.metadata.namespace_, label, value)))
      if (selects(service->spec.selector, pod.metadata.labels)) add_all(service->spec.selector, labels);
  std::vector<LabelRequirement> requirements;
  for (const auto& owner : pod.metadata.owner_references) {
    if (!owner.controller.value_or(false)) continue;
    const std::string key = client::object_key(pod.metadata.namespace_, owner.name);
    if (owner.kind == "ReplicationController" && owner.api_version == "v1") {
      if (const auto found = controllers_.get(key)) add_all(found->spec.selector, labels);
    } else if (owner.kind == "ReplicaSet" && owner.api_version == "apps/v1") {
      if (const auto found = replica_sets_.get(key)) add_requirements(found->spec.selector.get(), requirements);
    } else if (owner.kind == "StatefulSet" && owner.api_version == "apps/v1") {
      if (const auto found = stateful_sets_.get(key)) add_requirements(found->spec.selector.get(), requirements);
    }
  }
  for (const auto& [key, value] : labels)
    if (auto made = LabelRequirement::make(key, LabelOperator::Equals, {value})) requirements.push_back(std::move(*made));
  return apimachinery::LabelSelector(std::move(requirements));
}

}  // namespace pintle::scheduler::plugins

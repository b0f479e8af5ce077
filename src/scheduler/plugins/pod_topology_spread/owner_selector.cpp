#include "scheduler/plugins/pod_topology_spread/owner_selector.h"

#include "client/label_index.h"
#include "rules/service_selector.h"

namespace pintle::scheduler::plugins {

namespace {

using api::apps_v1::ReplicaSet;
using api::apps_v1::StatefulSet;
using api::core_v1::ReplicationController;
using api::core_v1::Service;
using apimachinery::LabelOperator;
using apimachinery::LabelRequirement;

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
  client::index_selectors<Service>(services_, rules::selector_of);
}

apimachinery::LabelSelector OwnerSelector::of(const Pod& pod) const {
  FlatMap<std::string> labels;
  for (const auto& service : client::perhaps_selecting(services_, pod.metadata.namespace_, pod.metadata.labels))
    if (rules::selects(*service, pod.metadata.labels)) add_all(service->spec.selector, labels);
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

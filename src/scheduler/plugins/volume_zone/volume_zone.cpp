#include "scheduler/plugins/volume_zone/volume_zone.h"

#include <algorithm>

#include "scheduler/plugins/volumes/claims.h"

namespace pintle::scheduler::plugins {

namespace {

constexpr std::string_view topology_labels[] = {"topology.kubernetes.io/zone", "topology.kubernetes.io/region",
                                                "failure-domain.beta.kubernetes.io/zone", "failure-domain.beta.kubernetes.io/region"};

struct Demand {
  std::string label;
  std::vector<std::string> values;  // any of them
};
struct State : StateOf<State> {
  std::vector<Demand> demands;
};

// "a__b" is a set of zones.
std::vector<std::string> zones_of(std::string_view value) {
  constexpr std::string_view separator = "__";
  std::vector<std::string> out;
  while (true) {
    const auto at = value.find(separator);
    out.emplace_back(value.substr(0, at));
    if (at == value.npos) return out;
    value.remove_prefix(at + separator.size());
  }
}

// The label as the node has it: by its name of today, or its older one.
const std::string* label_of(const Node& node, const std::string& label) {
  if (const std::string* value = node.metadata.labels.get(label)) return value;
  for (std::size_t i = 0; i < 2; ++i) {
    if (label == topology_labels[i]) return node.metadata.labels.get(topology_labels[i + 2]);
    if (label == topology_labels[i + 2]) return node.metadata.labels.get(topology_labels[i]);
  }
  return nullptr;
}

class VolumeZone final : public Plugin, public PreFilterPlugin, public FilterPlugin {
 public:
  explicit VolumeZone(const PluginDeps& deps) : known_(deps.informers) {}

  std::vector<EventInterest> interests() const override {
    return {{EventResource::StorageClass, action::add, nullptr},
            {EventResource::Node, action::add | action::update_node_label, nullptr},
            {EventResource::PersistentVolumeClaim, action::add | action::update, nullptr},
            {EventResource::PersistentVolume, action::add | action::update, nullptr}};
  }
  PluginStatus pre_filter(CycleState& state, const PodInfo& pod, NodeNames&) override {
    auto data = std::make_unique<State>();
    for (const ClaimUse& use : pod.claims) {
      const ClaimPtr claim = known_.claims.get(pod.namespace_name(), use.name);
      if (!claim) return PluginStatus::of(Code::UnschedulableAndUnresolvable, "persistentvolumeclaim \"" + use.name + "\" not found");
      if (claim->spec.volume_name.empty()) {
        if (class_of(*claim).empty())
          return PluginStatus::of(Code::UnschedulableAndUnresolvable, "PersistentVolumeClaim had no pv name and storageClass name");
        if (known_.waits_for_consumer(*claim)) continue;  // it is made where the pod goes
        return PluginStatus::of(Code::UnschedulableAndUnresolvable, "PersistentVolume had no name");
      }
      const VolumePtr volume = known_.volumes.get(claim->spec.volume_name);
      if (!volume) return PluginStatus::of(Code::UnschedulableAndUnresolvable, "persistentvolume \"" + claim->spec.volume_name + "\" not found");
      for (std::string_view label : topology_labels)
        if (const std::string* value = volume->metadata.labels.get(label)) data->demands.push_back({std::string(label), zones_of(*value)});
    }
    if (data->demands.empty()) return PluginStatus::skip();
    state.put(index, std::move(data));
    return {};
  }
  Code filter(const CycleState& state, const PodInfo&, const NodeInfo& node, Reasons& reasons) const override {
    for (const Demand& demand : state.get<State>(index)->demands) {
      const std::string* value = label_of(*node.node, demand.label);
      if (value != nullptr && std::ranges::find(demand.values, *value) != demand.values.end()) continue;
      if (value == nullptr &&
          std::ranges::none_of(topology_labels, [&](std::string_view label) { return node.node->metadata.labels.contains(label); }))
        continue;  // a node without zones reaches all
      reasons.add("node(s) had no available volume zone");
      return Code::UnschedulableAndUnresolvable;
    }
    return Code::Success;
  }

 private:
  VolumeInformers known_;
};

}  // namespace

Result<std::unique_ptr<Plugin>> make_volume_zone(const PluginDeps& deps, const std::string&) { return std::make_unique<VolumeZone>(deps); }

}  // namespace pintle::scheduler::plugins

#include "scheduler/plugins/node_volume_limits/node_volume_limits.h"

#include <algorithm>
#include <map>
#include <set>

#include "scheduler/plugins/volumes/claims.h"

namespace pintle::scheduler::plugins {

namespace {

using api::storage_v1::CSINode;

// Volumes by driver, each once however many pods use it.
using VolumesByDriver = std::map<std::string, std::set<std::string>>;

struct State : StateOf<State> {
  VolumesByDriver wanted;
};

class NodeVolumeLimits final : public Plugin, public PreFilterPlugin, public FilterPlugin {
 public:
  explicit NodeVolumeLimits(const PluginDeps& deps) : known_(deps.informers), nodes_(deps.informers.of<CSINode>()) {}

  std::vector<EventInterest> interests() const override {
    return {{EventResource::CSINode, action::add | action::update, nullptr},
            {EventResource::Pod, action::remove, nullptr},
            {EventResource::PersistentVolumeClaim, action::add, nullptr},
            {EventResource::Node, action::add, nullptr}};
  }
  PluginStatus pre_filter(CycleState& state, const PodInfo& pod, NodeNames&) override {
    auto data = std::make_unique<State>();
    collect(pod, data->wanted);
    if (data->wanted.empty()) return PluginStatus::skip();
    state.put(index, std::move(data));
    return {};
  }
  Code filter(const CycleState& state, const PodInfo&, const NodeInfo& node, Reasons& reasons) const override {
    const auto limits = nodes_.get(node.name());
    if (!limits) return Code::Success;  // nothing is said
    VolumesByDriver used;
    for (const PlacedPodPtr& other : node.pods) collect(*other, used);
    for (const auto& [driver, wanted] : state.get<State>(index)->wanted) {
      const auto entry = std::ranges::find(limits->spec.drivers, driver, &api::storage_v1::CSINodeDriver::name);
      if (entry == limits->spec.drivers.end() || !entry->allocatable || !entry->allocatable->count) continue;
      const std::set<std::string>& attached = used[driver];
      const auto fresh = std::ranges::count_if(wanted, [&](const std::string& volume) { return !attached.contains(volume); });
      if (fresh > 0 && static_cast<int64_t>(attached.size()) + fresh > *entry->allocatable->count) {
        reasons.add("node(s) exceed max volume count");
        return Code::Unschedulable;
      }
    }
    return Code::Success;
  }

 private:
  void collect(const PlacedPod& pod, VolumesByDriver& out) const {
    for (const ClaimUse& use : pod.claims) {
      const ClaimPtr claim = known_.claims.get(pod.namespace_name(), use.name);
      if (!claim) continue;  // VolumeBinding says so
      const VolumePtr volume = claim->spec.volume_name.empty() ? nullptr : known_.volumes.get(claim->spec.volume_name);
      if (volume) {
        if (volume->spec.csi) out[volume->spec.csi->driver].insert(volume->spec.csi->volume_handle);
        continue;
      }
      // It will be made by the class's provisioner, and attached then.
      if (const auto storage_class = known_.classes.get(class_of(*claim)))
        out[storage_class->provisioner].insert(client::object_key(claim->metadata.namespace_, claim->metadata.name));
    }
  }

  VolumeInformers known_;
  client::Informer<CSINode> nodes_;
};

}  // namespace

Result<std::unique_ptr<Plugin>> make_node_volume_limits(const PluginDeps& deps, const std::string&) {
  return std::make_unique<NodeVolumeLimits>(deps);
}

}  // namespace pintle::scheduler::plugins

#include "scheduler/plugins/volume_restrictions/volume_restrictions.h"

#include <algorithm>

#include "scheduler/cache/cache.h"
#include "scheduler/plugins/volumes/claims.h"

namespace pintle::scheduler::plugins {

namespace {

using api::core_v1::Volume;

struct State : StateOf<State> {
  std::vector<std::string> exclusive;  // names of ReadWriteOncePod claims
  int64_t users = 0;                   // volumes of pods, anywhere, that are those claims
  bool has_disks = false;
};

int64_t uses_of(const PlacedPod& other, const PlacedPod& pod, const std::vector<std::string>& claims) {
  if (other.namespace_name() != pod.namespace_name()) return 0;
  return std::ranges::count_if(other.claims,
                               [&](const ClaimUse& use) { return !use.ephemeral && std::ranges::find(claims, use.name) != claims.end(); });
}

bool share_a_monitor(const std::vector<std::string>& a, const std::vector<std::string>& b) {
  return std::ranges::any_of(a, [&](const std::string& monitor) { return std::ranges::find(b, monitor) != b.end(); });
}

// Two uses of one disk that its kind does not allow on one node.
bool clash(const Volume& a, const Volume& b) {
  if (a.gce_persistent_disk && b.gce_persistent_disk)
    return a.gce_persistent_disk->pd_name == b.gce_persistent_disk->pd_name &&
           !(a.gce_persistent_disk->read_only && b.gce_persistent_disk->read_only);
  if (a.aws_elastic_block_store && b.aws_elastic_block_store) return a.aws_elastic_block_store->volume_id == b.aws_elastic_block_store->volume_id;
  if (a.iscsi && b.iscsi) return a.iscsi->iqn == b.iscsi->iqn && !(a.iscsi->read_only && b.iscsi->read_only);
  if (a.rbd && b.rbd)
    return share_a_monitor(a.rbd->monitors, b.rbd->monitors) && a.rbd->pool == b.rbd->pool && a.rbd->image == b.rbd->image &&
           !(a.rbd->read_only && b.rbd->read_only);
  return false;
}

class VolumeRestrictions final : public Plugin, public PreFilterPlugin, public FilterPlugin {
 public:
  explicit VolumeRestrictions(const PluginDeps& deps) : cache_(deps.cache), claims_(deps.informers.of<PersistentVolumeClaim>()) {}

  std::vector<EventInterest> interests() const override {
    return {{EventResource::Pod, action::remove, nullptr},
            {EventResource::Node, action::add, nullptr},
            {EventResource::PersistentVolumeClaim, action::add | action::update, nullptr}};
  }
  PluginStatus pre_filter(CycleState& state, const PodInfo& pod, NodeNames&) override {
    auto data = std::make_unique<State>();
    data->has_disks = !pod.demands->disks.empty();
    for (const ClaimUse& use : pod.claims) {
      if (use.ephemeral) continue;  // no other pod has it
      const auto claim = claims_.get(pod.namespace_name(), use.name);
      if (!claim) return PluginStatus::of(Code::UnschedulableAndUnresolvable, "persistentvolumeclaim \"" + use.name + "\" not found");
      const bool exclusive = std::ranges::find(claim->spec.access_modes, "ReadWriteOncePod") != claim->spec.access_modes.end();
      if (exclusive && std::ranges::find(data->exclusive, use.name) == data->exclusive.end()) data->exclusive.push_back(use.name);
    }
    for (const std::string& claim : data->exclusive) {
      const std::string key = client::object_key(pod.namespace_name(), claim);
      for (const NodeInfo* node : cache_.nodes())
        if (const int32_t* users = node->claims_in_use.get(key)) data->users += *users;
    }
    if (!data->has_disks && data->users == 0) return PluginStatus::skip();
    state.put(index, std::move(data));
    return {};
  }
  void pod_added(CycleState& state, const PodInfo& pod, const PlacedPod& other, const NodeInfo&) override {
    State& data = *state.get<State>(index);
    data.users += uses_of(other, pod, data.exclusive);
  }
  void pod_removed(CycleState& state, const PodInfo& pod, const PlacedPod& other, const NodeInfo&) override {
    State& data = *state.get<State>(index);
    data.users -= uses_of(other, pod, data.exclusive);
  }
  Code filter(const CycleState& state, const PodInfo& pod, const NodeInfo& node, Reasons& reasons) const override {
    const State& data = *state.get<State>(index);
    if (data.has_disks)
      for (const Volume& mine : pod.demands->disks)
        for (const PlacedPodPtr& other : node.pods)
          for (const Volume& theirs : other->demands->disks)
            if (clash(mine, theirs)) {
              reasons.add("node(s) had no available disk");
              return Code::Unschedulable;
            }
    if (data.users > 0) {  // whatever the node: preemption may end the user
      reasons.add("node(s) unavailable due to PersistentVolumeClaim with ReadWriteOncePod access mode already in-use by another pod");
      return Code::Unschedulable;
    }
    return Code::Success;
  }

 private:
  const cache::Cache& cache_;
  client::Informer<PersistentVolumeClaim> claims_;
};

}  // namespace

Result<std::unique_ptr<Plugin>> make_volume_restrictions(const PluginDeps& deps, const std::string&) {
  return std::make_unique<VolumeRestrictions>(deps);
}

}  // namespace pintle::scheduler::plugins

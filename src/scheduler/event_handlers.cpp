// What the scheduler hears of the cluster: into the cache, and to the pods that wait.
#include "api/codec.h"
#include "api/gen/core_v1.h"
#include "api/gen/resource_v1.h"
#include "api/gen/storage_v1.h"
#include "scheduler/core.h"

namespace pintle::scheduler {

namespace {

using api::core_v1::Container;

void forget_unread(Container& container) {
  Container kept;
  kept.name = std::move(container.name);
  kept.image = std::move(container.image);
  kept.ports = std::move(container.ports);
  kept.resources = std::move(container.resources);
  kept.restart_policy = std::move(container.restart_policy);
  kept.restart_policy_rules = std::move(container.restart_policy_rules);
  container = std::move(kept);
}

void forget_unread(std::vector<api::core_v1::ContainerStatus>& statuses) {
  std::erase_if(statuses, [](const auto& status) { return !status.resources; });
  for (auto& status : statuses) {
    api::core_v1::ContainerStatus kept;
    kept.name = std::move(status.name);
    kept.resources = std::move(status.resources);
    kept.allocated_resources = std::move(status.allocated_resources);
    status = std::move(kept);
  }
}

// Of pods, what no plugin reads: those that wait are kept decoded.
void slim_pod(api::Object& object) {
  Pod& pod = object.as<Pod>();
  pod.metadata.annotations.clear();
  pod.metadata.finalizers.clear();
  for (auto& container : pod.spec.containers) forget_unread(container);
  for (auto& container : pod.spec.init_containers) forget_unread(container);
  pod.spec.ephemeral_containers.clear();
  pod.spec.security_context.reset();
  pod.spec.dns_config.reset();
  pod.spec.host_aliases.clear();
  std::erase_if(pod.spec.volumes,
                [](const auto& v) { return v.config_map || v.secret || v.empty_dir || v.host_path || v.projected || v.downward_api; });
  forget_unread(pod.status.container_statuses);
  forget_unread(pod.status.init_container_statuses);
  pod.status.ephemeral_container_statuses.clear();
  pod.status.pod_ips.clear();
  pod.status.host_ips.clear();
  std::erase_if(pod.status.conditions,
                [](const auto& c) { return c.type != "PodScheduled" && c.type != "PodResizePending" && c.type != "DisruptionTarget"; });
}

void slim_node(api::Object& object) {
  Node& node = object.as<Node>();
  node.metadata.annotations.clear();
  node.status.conditions.clear();
  node.status.addresses.clear();
  node.status.node_info = {};
  node.status.capacity.clear();
  node.status.volumes_in_use.clear();
  node.status.volumes_attached.clear();
}

Actions node_actions(const Node& before, const Node& after) {
  Actions out = 0;
  const auto same_taints = [](const auto& a, const auto& b) { return a.key == b.key && a.value == b.value && a.effect == b.effect; };
  if (before.status.allocatable != after.status.allocatable) out |= action::update_node_allocatable;
  if (before.metadata.labels != after.metadata.labels) out |= action::update_node_label;
  if (before.spec.unschedulable != after.spec.unschedulable || !std::ranges::equal(before.spec.taints, after.spec.taints, same_taints))
    out |= action::update_node_taint;
  if (before.status.declared_features != after.status.declared_features) out |= action::update_node_declared_feature;
  return out;
}

Actions pod_actions(const PlacedPod& before, const PlacedPod& after) {
  Actions out = 0;
  if (before.labels() != after.labels()) out |= action::update_pod_label;
  if (!(before.requests() == after.requests())) out |= action::update_pod_scale_down;
  return out;
}

}  // namespace

PodPtr Core::whole_pod(const PlacedPod& pod) const {
  PodPtr found = pods_->get(pod.namespace_name(), pod.name);
  return found && found->metadata.uid == pod.uid() ? found : nullptr;
}

void Core::tell(EventResource resource, Actions actions, std::string_view label, std::shared_ptr<const void> before,
                std::shared_ptr<const void> after) {
  EventInstance event{{resource, actions, label}, std::move(before), std::move(after)};
  queue_.on_event(event);
}

void Core::tell_gone(const PodPtr& pod, const std::string& node) {
  PodPtr placed = pod;
  if (pod->spec.node_name != node) {
    auto copy = std::make_shared<Pod>(*pod);
    copy->spec.node_name = node;
    placed = std::move(copy);
  }
  tell(EventResource::Pod, action::remove, "AssignedPodDelete", std::move(placed), nullptr);
}

void Core::tell_nomination(const PodPtr& pod, const std::string& nominated, const std::string& node) {
  if (!nominated.empty() && nominated != node) tell_gone(pod, nominated);
}

// What plugins keep informers of besides: the pods that wait hear of each change.
template <class T>
void Core::follow(EventResource resource, std::string_view added, std::string_view updated, std::string_view deleted) {
  typename client::Informer<T>::Handler handler;
  handler.on_add = [this, resource, added](const std::shared_ptr<const T>& object, bool) { tell(resource, action::add, added, nullptr, object); };
  handler.on_update = [this, resource, updated](const std::shared_ptr<const T>& before, const std::shared_ptr<const T>& after) {
    tell(resource, action::update_other, updated, before, after);
  };
  handler.on_delete = [this, resource, deleted](const std::shared_ptr<const T>& object) { tell(resource, action::remove, deleted, object, nullptr); };
  informers_.of<T>().add_handler(std::move(handler));
}

void Core::follow_cluster() {
  using namespace api::storage_v1;
  const auto wanted = [this](EventResource resource) {
    for (const Member& member : members_)
      for (const auto& plugin : member.profile->plugins)
        for (const EventInterest& interest : plugin->interests())
          if (interest.resource == resource) return true;
    return false;
  };
  if (wanted(EventResource::PersistentVolumeClaim))
    follow<api::core_v1::PersistentVolumeClaim>(EventResource::PersistentVolumeClaim, "PersistentVolumeClaimAdd", "PersistentVolumeClaimUpdate",
                                                "PersistentVolumeClaimDelete");
  if (wanted(EventResource::PersistentVolume))
    follow<api::core_v1::PersistentVolume>(EventResource::PersistentVolume, "PersistentVolumeAdd", "PersistentVolumeUpdate",
                                           "PersistentVolumeDelete");
  if (wanted(EventResource::StorageClass))
    follow<StorageClass>(EventResource::StorageClass, "StorageClassAdd", "StorageClassUpdate", "StorageClassDelete");
  if (wanted(EventResource::CSINode)) follow<CSINode>(EventResource::CSINode, "CSINodeAdd", "CSINodeUpdate", "CSINodeDelete");
  if (wanted(EventResource::CSIDriver)) follow<CSIDriver>(EventResource::CSIDriver, "CSIDriverAdd", "CSIDriverUpdate", "CSIDriverDelete");
  if (wanted(EventResource::CSIStorageCapacity))
    follow<CSIStorageCapacity>(EventResource::CSIStorageCapacity, "CSIStorageCapacityAdd", "CSIStorageCapacityUpdate", "CSIStorageCapacityDelete");
  using namespace api::resource_v1;
  if (wanted(EventResource::ResourceClaim))
    follow<ResourceClaim>(EventResource::ResourceClaim, "ResourceClaimAdd", "ResourceClaimUpdate", "ResourceClaimDelete");
  if (wanted(EventResource::ResourceSlice))
    follow<ResourceSlice>(EventResource::ResourceSlice, "ResourceSliceAdd", "ResourceSliceUpdate", "ResourceSliceDelete");
  if (wanted(EventResource::DeviceClass)) {
    // NodeResourcesFit asks which extended resources come from devices.
    client::Informer<DeviceClass>::Handler on_class;
    on_class.on_add = [this](const auto&, bool) { cache_.touch_all(); };
    on_class.on_update = [this](const auto&, const auto&) { cache_.touch_all(); };
    on_class.on_delete = [this](const auto&) { cache_.touch_all(); };
    informers_.of<DeviceClass>().add_handler(std::move(on_class));
    follow<DeviceClass>(EventResource::DeviceClass, "DeviceClassAdd", "DeviceClassUpdate", "DeviceClassDelete");
  }
  client::InformerOptions of_nodes;
  if (!extenders_) of_nodes.transform = slim_node;  // extenders are shown whole objects
  auto nodes = informers_.of<Node>("scheduling", std::move(of_nodes));
  client::Informer<Node>::Handler on_node;
  on_node.on_add = [this](const NodePtr& node, bool) { on_node_added(node); };
  on_node.on_update = [this](const NodePtr& before, const NodePtr& after) { on_node_updated(before, after); };
  on_node.on_delete = [this](const NodePtr& node) { on_node_deleted(node); };
  nodes.add_handler(std::move(on_node));

  client::InformerOptions of_pods;
  of_pods.field_selector = "status.phase!=Succeeded,status.phase!=Failed";
  if (!extenders_) of_pods.transform = slim_pod;
  pods_ = informers_.of<Pod>("unfinished", std::move(of_pods));
  client::Informer<Pod>::Handler on_pod;
  on_pod.on_add = [this](const PodPtr& pod, bool) { on_pod_added(pod); };
  on_pod.on_update = [this](const PodPtr& before, const PodPtr& after) { on_pod_updated(before, after); };
  on_pod.on_delete = [this](const PodPtr& pod) { on_pod_deleted(pod); };
  pods_->add_handler(std::move(on_pod));
}

void Core::on_node_added(const NodePtr& node) {
  cache_.add_node(node);
  tell(EventResource::Node, action::add, "NodeAdd", nullptr, node);
}
void Core::on_node_updated(const NodePtr& before, const NodePtr& after) {
  cache_.add_node(after);
  if (const Actions actions = node_actions(*before, *after); actions != 0) tell(EventResource::Node, actions, "NodeUpdate", before, after);
}
void Core::on_node_deleted(const NodePtr& node) {
  cache_.remove_node(node->metadata.name);
  tell(EventResource::Node, action::remove, "NodeDelete", node, nullptr);
}

void Core::on_pod_added(const PodPtr& pod) {
  if (pod->spec.node_name.empty()) {
    if (member_of(*pod) == nullptr) return;
    PodInfoPtr info = make_pod_info(pod, cache_.table());
    nominator_.add(info, pod->status.nominated_node_name);
    return queue_.add(std::move(info));
  }
  cache_.add_pod(*pod);
  nominator_.remove(pod->metadata.uid);
  tell(EventResource::Pod, action::add, "AssignedPodAdd", nullptr, pod);
}

void Core::on_pod_updated(const PodPtr& before, const PodPtr& after) {
  if (before->metadata.uid != after->metadata.uid) {  // another pod of the same name
    on_pod_deleted(before);
    return on_pod_added(after);
  }
  if (after->spec.node_name.empty()) {
    if (member_of(*after) == nullptr) return;
    PodInfoPtr info = make_pod_info(after, cache_.table());
    if (cache_.is_assumed(info->uid())) {
      if (queue_.find(info->uid()) != nullptr) queue_.update(std::move(info));  // should its binding fail
      return;
    }
    const std::string& nominated = before->status.nominated_node_name;
    if (!after->status.nominated_node_name.empty())
      nominator_.add(info, after->status.nominated_node_name);
    else if (!nominated.empty() && nominator_.node_of(info->uid()) == nominated)  // not what was decided since, and is not written yet
      nominator_.remove(info->uid());
    queue_.update(std::move(info));
    return tell_nomination(before, nominated, after->status.nominated_node_name);
  }
  const PlacedPodPtr known = cache_.find_pod(after->metadata.uid);
  const PlacedPodPtr placed = cache_.add_pod(*after);
  if (before->spec.node_name.empty()) {
    queue_.remove(after->metadata.uid);
    const std::string nominated = nominator_.node_of(after->metadata.uid);
    nominator_.remove(after->metadata.uid);
    tell(EventResource::Pod, action::add, "AssignedPodAdd", nullptr, after);
    return tell_nomination(before, nominated, after->spec.node_name);
  }
  if (const Actions actions = known ? pod_actions(*known, *placed) : 0; actions != 0)
    tell(EventResource::Pod, actions, "AssignedPodUpdate", before, after);
}

void Core::on_pod_deleted(const PodPtr& pod) {
  nominator_.remove(pod->metadata.uid);
  if (const auto binding = bindings_.find(pod->metadata.uid); binding != bindings_.end()) binding->second->ctx.cancel();
  // A deletion that only a new list shows comes with the last state that was seen: the pod may have got a node since.
  const std::string node = cache_.node_of(pod->metadata.uid);
  if (!node.empty()) cache_.remove_pod(pod->metadata.uid);
  queue_.remove(pod->metadata.uid);
  if (!node.empty() || !pod->spec.node_name.empty()) return tell_gone(pod, node.empty() ? pod->spec.node_name : node);
  // Room that was kept for it is free again.
  if (!pod->status.nominated_node_name.empty()) tell(EventResource::Pod, action::remove, "UnscheduledPodDelete", pod, nullptr);
}

}  // namespace pintle::scheduler

#include "controller/pods/pending_pods.h"

#include "client/object_store.h"

namespace pintle::controller::pods {

void PendingPods::created(const std::string& owner_uid, api::core_v1::Pod pod) {
  if (store_.informer().any().knows(pod.metadata)) return;
  std::string key = client::object_key(pod.metadata.namespace_, pod.metadata.name);
  owners_[owner_uid].created[std::move(key)] = std::make_shared<const api::core_v1::Pod>(std::move(pod));
}

void PendingPods::deleted(const std::string& owner_uid, const api::core_v1::Pod& pod) {
  owners_[owner_uid].deleted.emplace(pod.metadata.uid, client::object_key(pod.metadata.namespace_, pod.metadata.name));
}

std::vector<PodPtr> PendingPods::merge(const std::string& owner_uid, std::vector<PodPtr> seen) {
  auto it = owners_.find(owner_uid);
  if (it == owners_.end()) return seen;
  Owner& owner = it->second;
  std::erase_if(owner.created, [&](const auto& item) { return store_.informer().any().knows(item.second->metadata); });
  std::erase_if(owner.deleted, [&](const auto& item) {
    const PodPtr pod = store_.get(item.second);
    if (pod == nullptr) return !owner.created.contains(item.second);
    return pod->metadata.uid != item.first || is_deleted(pod->metadata);
  });
  for (const auto& [key, pod] : owner.created) seen.push_back(pod);
  if (!owner.deleted.empty())
    for (PodPtr& pod : seen) pod = known(owner_uid, std::move(pod));
  if (owner.created.empty() && owner.deleted.empty()) owners_.erase(it);
  return seen;
}

PodPtr PendingPods::known(const std::string& owner_uid, PodPtr pod) const {
  const auto it = owners_.find(owner_uid);
  if (it == owners_.end() || is_deleted(pod->metadata) || !it->second.deleted.contains(pod->metadata.uid)) return pod;
  auto going = std::make_shared<api::core_v1::Pod>(*pod);
  going->metadata.deletion_timestamp = going->metadata.creation_timestamp;
  return going;
}

}  // namespace pintle::controller::pods

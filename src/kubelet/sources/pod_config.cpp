#include "kubelet/sources/pod_config.h"

#include <algorithm>
#include <tuple>

namespace pintle::kubelet::sources {

namespace {

// Who comes first has the resources: pods that this node has taken before (an earlier kubelet, too), then the oldest.
bool comes_before(const PodPtr& a, const PodPtr& b) {
  const auto rank = [](const api::core_v1::Pod& pod) {
    const auto& created = pod.metadata.creation_timestamp;
    return std::tuple(!pod.status.start_time, created.seconds, created.nanos, std::string_view(pod.metadata.uid));
  };
  return rank(*a) < rank(*b);
}

}  // namespace

void PodConfig::set(const std::string& source, std::vector<PodPtr> pods) {
  Source& from = expected_[source];
  from.told = true;
  std::map<std::string, PodPtr> now;
  for (auto& pod : pods) now[pod->metadata.uid] = std::move(pod);
  std::map<std::string, PodPtr> before = std::exchange(from.pods, now);
  for (const auto& [uid, pod] : before) {
    if (now.contains(uid)) continue;
    if (is_mirror_pod(*pod))
      mirrors_.erase(pod_full_name(*pod));
    else
      pods_.erase(uid);
    if (listener_) listener_(pod, true);
  }
  std::vector<PodPtr> changed;
  for (const auto& [uid, pod] : now) {
    const auto old = before.find(uid);
    if (old == before.end() || old->second != pod) changed.push_back(pod);
  }
  std::ranges::sort(changed, comes_before);
  for (const PodPtr& pod : changed) {
    if (is_mirror_pod(*pod))
      mirrors_[pod_full_name(*pod)] = pod;
    else
      pods_[pod->metadata.uid] = pod;
    if (listener_) listener_(pod, false);
  }
}

bool PodConfig::complete() const {
  return std::all_of(expected_.begin(), expected_.end(), [](const auto& entry) { return entry.second.told; });
}

PodPtr PodConfig::find(std::string_view uid) const {
  const auto found = pods_.find(uid);
  return found == pods_.end() ? nullptr : found->second;
}

PodPtr PodConfig::find(std::string_view namespace_name, std::string_view name) const {
  for (const auto& [uid, pod] : pods_) {
    if (pod->metadata.name == name && pod->metadata.namespace_ == namespace_name) return pod;
  }
  return nullptr;
}

PodPtr PodConfig::mirror_of(const api::core_v1::Pod& pod) const {
  const auto found = mirrors_.find(pod_full_name(pod));
  return found == mirrors_.end() ? nullptr : found->second;
}

}  // namespace pintle::kubelet::sources

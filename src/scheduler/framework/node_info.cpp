#include "scheduler/framework/node_info.h"

#include <algorithm>

namespace pintle::scheduler {

bool NodeInfo::has_image(const ImageState* image) const { return std::ranges::binary_search(images, image); }

void NodeInfo::set_node(NodePtr value) {
  node = std::move(value);
  allocatable = node ? to_resource(node->status.allocatable) : Resource();
  has_scheduling_taints = has_prefer_taints = false;
  if (!node) return;
  for (const auto& taint : node->spec.taints) (taint.effect == "PreferNoSchedule" ? has_prefer_taints : has_scheduling_taints) = true;
}

void NodeInfo::count(const PodInfo& pod, int sign) {
  requested.add(pod.requests, sign);
  non_zero_milli_cpu += sign * pod.non_zero_milli_cpu;
  non_zero_memory += sign * pod.non_zero_memory;
  const auto step = static_cast<uint32_t>(sign);
  if (pod.has_affinity()) pods_with_affinity += step;
  if (!pod.required_anti_affinity.empty()) pods_with_required_anti_affinity += step;
  if (!pod.host_ports.empty()) {
    if (sign > 0)
      used_ports.add(pod.host_ports);
    else
      used_ports.remove(pod.host_ports);
  }
  for (const auto& volume : pod.pod->spec.volumes) {
    if (!volume.persistent_volume_claim) continue;
    const std::string key = pod.pod->metadata.namespace_ + "/" + volume.persistent_volume_claim->claim_name;
    if ((claims_in_use[key] += sign) <= 0) claims_in_use.erase(key);
  }
}

void NodeInfo::add_pod(PodInfoPtr pod) {
  count(*pod, 1);
  pods.push_back(std::move(pod));
}

bool NodeInfo::remove_pod(const std::string& uid) {
  // From the end: what came last goes first, as pods that were assumed a moment ago are confirmed.
  const auto it = std::find_if(pods.rbegin(), pods.rend(), [&](const PodInfoPtr& pod) { return pod->uid() == uid; });
  if (it == pods.rend()) return false;
  count(**it, -1);
  *it = std::move(pods.back());
  pods.pop_back();
  return true;
}

}  // namespace pintle::scheduler

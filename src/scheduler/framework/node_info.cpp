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

void NodeInfo::count(const PlacedPod& pod, int sign) {
  const PodDemands& demands = *pod.demands;
  requested.add(demands.requests, sign);
  non_zero_milli_cpu += sign * demands.non_zero_milli_cpu;
  non_zero_memory += sign * demands.non_zero_memory;
  const auto step = static_cast<uint32_t>(sign);
  if (demands.has_affinity()) pods_with_affinity += step;
  if (!demands.required_anti_affinity.empty()) pods_with_required_anti_affinity += step;
  if (!demands.host_ports.empty()) {
    if (sign > 0)
      used_ports.add(demands.host_ports);
    else
      used_ports.remove(demands.host_ports);
  }
  for (const ClaimUse& use : pod.claims) {
    if (use.ephemeral) continue;
    const std::string key = pod.namespace_name() + "/" + use.name;
    if ((claims_in_use[key] += sign) <= 0) claims_in_use.erase(key);
  }
}

void NodeInfo::add_pod(PlacedPodPtr pod) {
  count(*pod, 1);
  pods.push_back(std::move(pod));
}

// From the end: what came last goes first, as pods that were assumed a moment ago are confirmed.
std::vector<PlacedPodPtr>::reverse_iterator NodeInfo::place_of(const std::string& uid) {
  return std::find_if(pods.rbegin(), pods.rend(), [&](const PlacedPodPtr& pod) { return pod->uid() == uid; });
}

bool NodeInfo::replace_pod(PlacedPodPtr pod) {
  const auto it = place_of(pod->uid());
  if (it == pods.rend()) return false;
  *it = std::move(pod);
  return true;
}

bool NodeInfo::remove_pod(const std::string& uid) {
  const auto it = place_of(uid);
  if (it == pods.rend()) return false;
  count(**it, -1);
  *it = std::move(pods.back());
  pods.pop_back();
  return true;
}

}  // namespace pintle::scheduler

#include "kubelet/shutdown/shutdown_plan.h"

#include <algorithm>

#include "base/check.h"

namespace pintle::kubelet::shutdown {

namespace {

constexpr int32_t system_critical_priority = 2'000'000'000;

}  // namespace

std::vector<ShutdownGroup> shutdown_groups(const api::kubeletconfig_v1beta1::KubeletConfiguration& config) {
  std::vector<ShutdownGroup> out;
  for (const auto& group : config.shutdown_grace_period_by_pod_priority) out.push_back({group.priority, group.shutdown_grace_period_seconds, {}});
  constexpr int64_t second = 1'000'000'000;
  const int64_t all = config.shutdown_grace_period.nanos;
  const int64_t critical = config.shutdown_grace_period_critical_pods.nanos;
  if (out.empty() && all > 0 && critical <= all) {
    out.push_back({0, (all - critical) / second, {}});
    out.push_back({system_critical_priority, critical / second, {}});
  }
  std::ranges::sort(out, {}, &ShutdownGroup::priority);
  return out;
}

void assign_pods(std::vector<ShutdownGroup>& groups, const std::vector<PodPtr>& pods) {
  CHECK(!groups.empty(), "a shutdown has groups");
  for (const PodPtr& pod : pods) {
    const int32_t priority = pod->spec.priority.value_or(0);
    // The last group that begins at or below it; what is below all goes to the first.
    auto group = std::ranges::upper_bound(groups, priority, {}, &ShutdownGroup::priority);
    if (group != groups.begin()) --group;
    group->pods.push_back(pod);
  }
}

int64_t shutdown_grace(const ShutdownGroup& group, const api::core_v1::Pod& pod) {
  return std::min(group.grace_seconds, pod.spec.termination_grace_period_seconds.value_or(group.grace_seconds));
}

}  // namespace pintle::kubelet::shutdown

// In which order, and with how much time each, pods end when the node shuts down. Pure.
#pragma once

#include <cstdint>
#include <vector>

#include "api/gen/core_v1.h"
#include "api/gen/kubeletconfig_v1beta1.h"
#include "kubelet/types/pod.h"

namespace pintle::kubelet::shutdown {

inline constexpr const char* shutdown_reason = "Terminated";
inline constexpr const char* shutdown_message = "Pod was terminated in response to imminent node shutdown.";

struct ShutdownGroup {
  int32_t priority = 0;       // pods from this priority on, up to the next group's
  int64_t grace_seconds = 0;  // how long the group may take
  std::vector<PodPtr> pods;
};

// The groups of a configuration, lowest priority first: shutdownGracePeriodByPodPriority, or two from shutdownGracePeriod
// and shutdownGracePeriodCriticalPods. Empty: pods are not ended at a shutdown.
std::vector<ShutdownGroup> shutdown_groups(const api::kubeletconfig_v1beta1::KubeletConfiguration& config);
// Puts each pod into its group; `groups` is not empty.
void assign_pods(std::vector<ShutdownGroup>& groups, const std::vector<PodPtr>& pods);
// A pod's own grace period if it is shorter than its group's.
int64_t shutdown_grace(const ShutdownGroup& group, const api::core_v1::Pod& pod);

}  // namespace pintle::kubelet::shutdown

// The conditions that the kubelet keeps of a pod. Pure.
#pragma once

#include "kubelet/status/generate.h"

namespace pintle::kubelet::status {

// PodReadyToStartContainers, Initialized, Ready, ContainersReady, PodScheduled, and those of a resize, from `status`, whose container statuses and
// phase are complete; those of others are kept as `inputs.previous` and the API have them.
std::vector<api::core_v1::PodCondition> pod_conditions(const StatusInputs& inputs, const api::core_v1::PodStatus& status);
// Sets a condition of another's making (DisruptionTarget); the time of its last transition stays while its status does.
void set_condition(api::core_v1::PodStatus& status, api::core_v1::PodCondition condition, rt::WallTime now);
// DisruptionTarget, of a pod that the kubelet ends.
api::core_v1::PodCondition disruption_by_kubelet(std::string message);
bool is_kubelet_condition(std::string_view type);

}  // namespace pintle::kubelet::status

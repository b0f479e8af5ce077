// Whether a pod that is to be resized fits. Pure.
#pragma once

#include <optional>
#include <vector>

#include "api/gen/core_v1.h"
#include "kubelet/resources/pod_resources.h"
#include "kubelet/types/waiting_reason.h"

namespace pintle::kubelet::admission {

// Why `pod`, with its new resources, cannot have them: Infeasible (never on this node) or Deferred (not beside the others now),
// with upstream's messages; nullopt: it can.
std::optional<WaitingReason> admit_resize(const api::core_v1::Pod& pod, const std::vector<const api::core_v1::Pod*>& others,
                                          const rules::ResourceList& allocatable);

}  // namespace pintle::kubelet::admission

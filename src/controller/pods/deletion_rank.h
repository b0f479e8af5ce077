// Which pods go first when a workload shrinks. Pure.
#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "controller/pods/pod_state.h"

namespace pintle::controller::pods {

// The `count` of `pods` that go first: not on a node before on one; Pending, Unknown, Running; not ready before ready;
// cheaper (annotation controller.kubernetes.io/pod-deletion-cost) first; on a node with more of `related` first; ready
// for a shorter time (on a logarithmic scale); more restarts; younger (the same scale); then by uid.
std::vector<PodPtr> pods_to_delete(std::vector<PodPtr> pods, std::size_t count, const std::vector<PodPtr>& related, rt::WallTime now);

// The integer of the pod's deletion cost annotation; 0 where it has none or a bad one.
int32_t deletion_cost(const api::core_v1::Pod& pod);

}  // namespace pintle::controller::pods

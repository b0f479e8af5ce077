// Whether a container that has ended is started again: the pod's policy, the container's own, and its rules by exit code. Pure.
#pragma once

#include "api/gen/core_v1.h"

namespace pintle::kubelet::runtime {

bool restarts_after_exit(const api::core_v1::Pod& pod, const api::core_v1::Container& container, int32_t exit_code);
// The container may be started again at all after a failure (an init container that may not fails the pod).
bool restarts_after_failure(const api::core_v1::Pod& pod, const api::core_v1::Container& container);

}  // namespace pintle::kubelet::runtime

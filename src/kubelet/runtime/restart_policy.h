// Whether a container that has ended is started again: the pod's policy, the container's own, and its rules by exit code. Pure.
#pragma once

#include <string_view>

#include "api/gen/core_v1.h"

namespace pintle::kubelet::runtime {

constexpr std::string_view restart_all_action = "RestartAllContainers";

bool restarts_after_exit(const api::core_v1::Pod& pod, const api::core_v1::Container& container, int32_t exit_code);
// All containers of its pod begin anew.
bool restarts_all_after_exit(const api::core_v1::Container& container, int32_t exit_code);
// Some container has a rule of that kind.
bool can_restart_all(const api::core_v1::PodSpec& pod);
// The container may be started again at all after a failure (an init container that may not fails the pod).
bool restarts_after_failure(const api::core_v1::Pod& pod, const api::core_v1::Container& container);

}  // namespace pintle::kubelet::runtime

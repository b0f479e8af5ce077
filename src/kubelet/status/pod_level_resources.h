// status.resources of a pod: what it has in all. Pure.
#pragma once

#include <string_view>

#include "api/gen/core_v1.h"
#include "os/cgroup.h"

namespace pintle::kubelet::status {

// Until the pod runs (`phase` is that of the status before): what it asks for. From then on CPU and memory are those of its cgroup,
// with the kernel's rounding, and only what they do not hold is what the spec says. nullptr: it has no cgroup of its own.
api::core_v1::ResourceRequirements pod_level_resources(const api::core_v1::Pod& pod, std::string_view phase, const os::CgroupLimits* cgroup);

}  // namespace pintle::kubelet::status

// What the pod resources API tells of pods and of the node, in its messages. Pure.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "api/gen/core_v1.h"
#include "api/gen/podresources_v1.h"
#include "kubelet/cpu_manager/cpu_state.h"
#include "kubelet/devices/allocations.h"

namespace pintle::kubelet::pod_resources_api {

using DevicesOfNode = std::map<std::string, devices::Devices>;  // by resource

// Its sidecars and app containers.
api::podresources_v1::PodResources resources_of(const api::core_v1::Pod& pod, const devices::Allocations& allocations,
                                                const cpu_manager::CpuState& cpus);
// Those that are healthy.
std::vector<api::podresources_v1::ContainerDevices> allocatable(const DevicesOfNode& devices);

}  // namespace pintle::kubelet::pod_resources_api

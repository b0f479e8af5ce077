// What the pod resources API tells of pods and of the node, in its messages. Pure.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "api/gen/core_v1.h"
#include "api/gen/podresources_v1.h"
#include "kubelet/cpu_manager/cpu_state.h"
#include "kubelet/devices/allocations.h"
#include "kubelet/dynamic_resources/claim_manager.h"
#include "kubelet/memory_manager/memory_state.h"

namespace pintle::kubelet::pod_resources_api {

using DevicesOfNode = std::map<std::string, devices::Devices>;  // by resource

// Where it is known what containers have.
struct ResourceSources {
  const devices::Allocations& allocations;
  const cpu_manager::CpuState& cpus;
  const dynamic_resources::ClaimManager& claims;
  const memory_manager::MemoryState& memory;
};

// Its sidecars and app containers.
api::podresources_v1::PodResources resources_of(const api::core_v1::Pod& pod, const ResourceSources& sources);
std::vector<api::podresources_v1::ContainerMemory> memory_of(const memory_manager::Blocks& blocks);
// Those that are healthy.
std::vector<api::podresources_v1::ContainerDevices> allocatable(const DevicesOfNode& devices);

}  // namespace pintle::kubelet::pod_resources_api

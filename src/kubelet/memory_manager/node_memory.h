// The memory of the machine's NUMA nodes, and what of it is reserved for the system.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "api/gen/kubeletconfig_v1beta1.h"
#include "base/status.h"
#include "kubelet/memory_manager/memory_state.h"
#include "rules/pod_resources.h"

namespace pintle::kubelet::memory_manager {

using MemorySizes = std::map<std::string, uint64_t>;  // bytes, by resource
using SizesByNode = std::map<int64_t, MemorySizes>;

// By node: "memory" and each size of huge pages. `sysfs`: /sys, or a recorded tree; without nodes there is one, of `memory_bytes`.
SizesByNode read_node_memory(const std::string& sysfs, uint64_t memory_bytes);

// reservedMemory by node. Invalid, in upstream's words: a node that is not there, or sums that are not what the node reserves in all.
Result<SizesByNode> reserved_by_node(const std::vector<api::kubeletconfig_v1beta1::MemoryReservation>& reserved, const rules::ResourceList& of_node,
                                     const SizesByNode& machine);

// Nothing of it given to containers.
MachineMemory untouched(const SizesByNode& machine, const SizesByNode& reserved);

bool is_memory_resource(std::string_view name);  // "memory", "hugepages-..."

}  // namespace pintle::kubelet::memory_manager

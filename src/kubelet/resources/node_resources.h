// What a node has and what of it pods may use: capacity from the machine, reservations and eviction thresholds from the
// configuration, allocatable from both. Pure.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "api/gen/core_v1.h"
#include "api/gen/kubeletconfig_v1beta1.h"
#include "base/status.h"
#include "kubelet/resources/pod_resources.h"
#include "os/machine.h"

namespace pintle::kubelet::resources {

// A hard or soft limit of one eviction signal ("memory.available"): an amount, or a share of the capacity.
struct EvictionThreshold {
  bool is_share = false;
  double share = 0;    // 0..1
  int64_t amount = 0;  // bytes, inodes or processes
  // What it means for a resource of this size.
  int64_t of(int64_t capacity) const;
  bool operator==(const EvictionThreshold&) const = default;
};
using EvictionThresholds = std::map<std::string, EvictionThreshold, std::less<>>;

// "100Mi" or "10%"; Invalid otherwise. A share of 0 % (or 0) is no threshold.
Result<EvictionThreshold> parse_eviction_threshold(std::string_view text);
// evictionHard of a configuration, with upstream's defaults where it says nothing.
std::map<std::string, std::string> hard_eviction_texts(const api::kubeletconfig_v1beta1::KubeletConfiguration& config);
// The same, read. Invalid names the entry.
Result<EvictionThresholds> hard_eviction_thresholds(const api::kubeletconfig_v1beta1::KubeletConfiguration& config);

struct NodeSize {
  os::MachineFacts machine;
  uint64_t storage_bytes = 0;  // of the file system that holds the kubelet's root
  int32_t max_pods = 110;
  int32_t pods_per_core = 0;  // 0: no limit by cores
};
rules::ResourceList node_capacity(const NodeSize& size);

// kubeReserved and systemReserved together. Invalid names the entry.
Result<rules::ResourceList> reserved_resources(const api::kubeletconfig_v1beta1::KubeletConfiguration& config);
// What is reserved, with what eviction keeps free.
rules::ResourceList kept_from_pods(const rules::ResourceList& capacity, const rules::ResourceList& reserved, const EvictionThresholds& hard);
// What the node's status says; never negative.
rules::ResourceList node_allocatable(const rules::ResourceList& capacity, const rules::ResourceList& reserved, const EvictionThresholds& hard);
// What the cgroup of all pods is limited to: capacity less what is reserved, whatever the thresholds are.
rules::ResourceList allocatable_for_pods(const rules::ResourceList& capacity, const rules::ResourceList& reserved);

// A quantity in bytes, in the binary form ("16Gi").
api::Quantity binary_quantity(int64_t bytes);

}  // namespace pintle::kubelet::resources

// What of the node goes into the configuration of its pods. Pure data; the same for all pods.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "api/values.h"
#include "base/flat_map.h"
#include "kubelet/types/paths.h"

namespace pintle::kubelet::container_config {

struct NodeConfig {
  std::string node_name;
  std::vector<std::string> node_ips;   // status.hostIPs of pods; the first is status.hostIP
  FlatMap<api::Quantity> allocatable;  // for resource fields without a limit
  int64_t memory_capacity_bytes = 0;
  std::vector<uint64_t> hugepage_sizes_bytes;
  Paths paths;

  std::string cluster_domain = "cluster.local";
  std::vector<std::string> cluster_dns;
  bool has_resolv_conf = true;  // false: --resolv-conf=""
  std::string resolv_conf;      // the content of the node's file
  std::string hosts_file;       // the content of the node's /etc/hosts

  bool cpu_cfs_quota = true;
  int64_t cpu_cfs_period_us = 100'000;
  bool seccomp_default = false;
  bool cgroup_v2 = false;
  bool single_process_oom_kill = false;        // else (v2) memory.oom.group
  bool swap_controller = false;                // the kernel can limit a container's swap
  bool limited_swap = false;                   // memorySwap.swapBehavior LimitedSwap; else containers get none
  int64_t swap_capacity_bytes = 0;             // of the machine
  std::vector<std::string> more_masked_paths;  // of this machine: /sys/devices/system/cpu/cpuN/thermal_throttle
  bool recursive_read_only = false;            // of the runtime handler
  bool user_namespaces = false;                // of the runtime handler
};

}  // namespace pintle::kubelet::container_config

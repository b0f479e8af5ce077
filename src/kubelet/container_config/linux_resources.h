// Requests and limits as the kernel's numbers. Pure.
#pragma once

#include "kubelet/container_config/container_config.h"

namespace pintle::kubelet::container_config {

struct CpuAndMemory {
  bool has_cpu_request = false;  // else the limit stands for it
  int64_t cpu_request_milli = 0;
  int64_t cpu_limit_milli = 0;     // 0: none
  int64_t memory_limit_bytes = 0;  // 0: none
};
api::cri_v1::LinuxContainerResources linux_resources(const CpuAndMemory& amounts, const NodeConfig& node);

// Of the sandbox: what the pod's containers have in all, and its overhead.
api::cri_v1::LinuxContainerResources sandbox_resources(const api::core_v1::Pod& pod, const NodeConfig& node);
api::cri_v1::LinuxContainerResources overhead_resources(const api::core_v1::Pod& pod, const NodeConfig& node);

}  // namespace pintle::kubelet::container_config

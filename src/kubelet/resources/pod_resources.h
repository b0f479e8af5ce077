// The numbers that the kernel wants for a pod and its containers. What a pod asks for as a whole and its
// class of service are rules/pod_resources.h. Pure.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "api/gen/core_v1.h"
#include "rules/pod_resources.h"

namespace pintle::kubelet::resources {

// 0 when absent.
int64_t resource_value(const rules::ResourceList& list, std::string_view name);
int64_t resource_milli_value(const rules::ResourceList& list, std::string_view name);

// cpu.shares of a request: 1024 for a core, at least 2, at most 262144.
int64_t cpu_shares(int64_t milli_cpu);
// cpu.cfs_quota_us of a limit over `period_us`: at least 1000; 0 for no limit.
int64_t cpu_quota_us(int64_t milli_cpu, int64_t period_us);
// The CPUs that a container wants for itself under the static policy of CPUs: a container of a Guaranteed pod that asks for whole ones; 0: none.
std::size_t exclusive_cpus(const api::core_v1::Pod& pod, const api::core_v1::Container& container);
bool wants_exclusive_cpus(const api::core_v1::Pod& pod);
// oom_score_adj of a container.
int64_t oom_score_adj(const api::core_v1::Pod& pod, const api::core_v1::Container& container, int64_t memory_capacity_bytes);
// "64KB", "2MB", "1GB": how the kernel's cgroup files name a page size; from bytes, or from "hugepages-2Mi".
std::string hugepage_size_name(uint64_t bytes);
// The size in a resource name; 0 if it is none.
uint64_t hugepage_size_of(std::string_view resource_name);

}  // namespace pintle::kubelet::resources

#include "kubelet/container_config/linux_resources.h"

#include "kubelet/resources/pod_resources.h"
#include "kubelet/types/pod.h"
#include "rules/pod_resources.h"

namespace pintle::kubelet::container_config {

namespace core = api::core_v1;
namespace cri_v1 = api::cri_v1;

namespace {

// The container's limit, or the pod's where it has none.
int64_t limit_of(const core::Pod& pod, const core::Container& container, std::string_view name, bool milli) {
  const auto value = [&](const rules::ResourceList& list) {
    return milli ? resources::resource_milli_value(list, name) : resources::resource_value(list, name);
  };
  const int64_t own = value(container.resources.limits);
  return own == 0 && pod.spec.resources ? value(pod.spec.resources->limits) : own;
}

void set_hugepages(const core::Pod& pod, const core::Container& container, const NodeConfig& node, cri_v1::LinuxContainerResources& out) {
  FlatMap<uint64_t> limits;
  const auto read = [&](const rules::ResourceList& list) {
    for (const auto& [name, amount] : list)
      if (const uint64_t size = resources::hugepage_size_of(name))
        limits[resources::hugepage_size_name(size)] = static_cast<uint64_t>(amount.value());
  };
  if (pod.spec.resources) read(pod.spec.resources->limits);
  read(container.resources.limits);
  for (const uint64_t size : node.hugepage_sizes_bytes) {
    cri_v1::HugepageLimit& limit = out.hugepage_limits.emplace_back();
    limit.page_size = resources::hugepage_size_name(size);
    const uint64_t* asked = limits.get(limit.page_size);
    limit.limit = asked ? *asked : 0;
  }
}

// LimitedSwap: the container's share of the machine's swap is that of its memory request in the machine's memory. Not for pods whose
// speed others rely on, nor for containers that say how much memory they want at most or nothing of it.
int64_t swap_bytes(const core::Pod& pod, const core::Container& container, const NodeConfig& node) {
  if (!node.limited_swap || !node.cgroup_v2 || is_critical_pod(pod) || rules::qos_class(pod) != "Burstable" || node.memory_capacity_bytes <= 0)
    return 0;
  const int64_t request = resources::resource_value(container.resources.requests, "memory");
  const int64_t limit = resources::resource_value(container.resources.limits, "memory");
  if (request <= 0 || request == limit) return 0;
  const double share = static_cast<double>(request) / static_cast<double>(node.memory_capacity_bytes);
  return static_cast<int64_t>(share * static_cast<double>(node.swap_capacity_bytes));
}

void set_swap(const core::Pod& pod, const core::Container& container, const NodeConfig& node, cri_v1::LinuxContainerResources& out) {
  if (!node.swap_controller) return;
  if (node.cgroup_v2)
    out.unified["memory.swap.max"] = std::to_string(swap_bytes(pod, container, node));
  else
    out.memory_swap_limit_in_bytes = out.memory_limit_in_bytes;  // memory and swap together get no more than memory alone
}

}  // namespace

cri_v1::LinuxContainerResources linux_resources(const CpuAndMemory& amounts, const NodeConfig& node) {
  cri_v1::LinuxContainerResources out;
  out.cpu_shares = resources::cpu_shares(amounts.has_cpu_request ? amounts.cpu_request_milli : amounts.cpu_limit_milli);
  out.memory_limit_in_bytes = amounts.memory_limit_bytes;
  if (node.cpu_cfs_quota) {
    out.cpu_period = node.cpu_cfs_period_us;
    out.cpu_quota = resources::cpu_quota_us(amounts.cpu_limit_milli, node.cpu_cfs_period_us);
  }
  // All processes of a container die together when it runs out of memory.
  if (node.cgroup_v2 && !node.single_process_oom_kill) out.unified["memory.oom.group"] = "1";
  return out;
}

cri_v1::LinuxContainerResources make_linux_resources(const core::Pod& pod, const core::Container& container, const NodeConfig& node) {
  CpuAndMemory amounts;
  amounts.has_cpu_request = container.resources.requests.contains("cpu");
  amounts.cpu_request_milli = resources::resource_milli_value(container.resources.requests, "cpu");
  amounts.cpu_limit_milli = limit_of(pod, container, "cpu", true);
  amounts.memory_limit_bytes = limit_of(pod, container, "memory", false);
  cri_v1::LinuxContainerResources out = linux_resources(amounts, node);
  out.oom_score_adj = resources::oom_score_adj(pod, container, node.memory_capacity_bytes);
  set_hugepages(pod, container, node, out);
  set_swap(pod, container, node, out);
  return out;
}

cri_v1::LinuxContainerResources sandbox_resources(const core::Pod& pod, const NodeConfig& node) {
  const rules::ResourceList requests = rules::pod_requests(pod.spec, {.overhead = false});
  const rules::ResourceList limits = rules::pod_limits(pod.spec, {.overhead = false});
  CpuAndMemory amounts;
  amounts.has_cpu_request = requests.contains("cpu");
  amounts.cpu_request_milli = resources::resource_milli_value(requests, "cpu");
  amounts.cpu_limit_milli = resources::resource_milli_value(limits, "cpu");
  amounts.memory_limit_bytes = resources::resource_value(limits, "memory");
  return linux_resources(amounts, node);
}

cri_v1::LinuxContainerResources overhead_resources(const core::Pod& pod, const NodeConfig& node) {
  if (pod.spec.overhead.empty()) return {};
  CpuAndMemory amounts;
  amounts.has_cpu_request = true;
  amounts.cpu_request_milli = amounts.cpu_limit_milli = resources::resource_milli_value(pod.spec.overhead, "cpu");
  amounts.memory_limit_bytes = resources::resource_value(pod.spec.overhead, "memory");
  return linux_resources(amounts, node);
}

}  // namespace pintle::kubelet::container_config

#include "kubelet/cgroups/cgroup_configuration.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "kubelet/resources/pod_resources.h"

namespace pintle::kubelet::cgroups {

namespace {

using api::kubeletconfig_v1beta1::KubeletConfiguration;

constexpr int64_t cfs_period_min_ns = 1'000'000;
constexpr int64_t cfs_period_max_ns = 1'000'000'000;
constexpr std::string_view known[] = {"pods", "system-reserved", "kube-reserved", "system-reserved-compressible", "kube-reserved-compressible",
                                      "none"};

Unexpected<Status> invalid(std::string message) { return error(Reason::Invalid, "invalid configuration: " + std::move(message)); }

Result<Unit> check_enforced(const KubeletConfiguration& config) {
  for (const std::string& one : config.enforce_node_allocatable) {
    if (std::ranges::find(known, one) == std::end(known))
      return invalid("enforceNodeAllocatable (--enforce-node-allocatable) has \"" + one + "\"; known are " +
                     fmt::format("{}", fmt::join(known, ", ")));
  }
  if (enforces(config, "none") && config.enforce_node_allocatable.size() > 1)
    return invalid("enforceNodeAllocatable (--enforce-node-allocatable) has \"none\" beside others");
  for (const std::string what : {"system-reserved", "kube-reserved"}) {
    if (enforces(config, what) && enforces(config, what + "-compressible"))
      return invalid("enforceNodeAllocatable (--enforce-node-allocatable) has \"" + what + "\" and \"" + what + "-compressible\": one of the two");
  }
  return Unit{};
}

// What does not compress (memory, process ids) is a limit that kills: "-compressible" leaves it out.
os::CgroupLimits limits_of(const FlatMap<std::string>& reserved, bool compressible_only) {
  const auto amount = [&](std::string_view name) { return api::Quantity::parse(*reserved.get(name)).value_or(api::Quantity()); };
  os::CgroupLimits out;
  if (reserved.contains("cpu")) out.cpu_shares = static_cast<uint64_t>(resources::cpu_shares(amount("cpu").milli_value()));
  if (compressible_only) return out;
  if (reserved.contains("memory")) out.memory_bytes = amount("memory").value();
  if (reserved.contains("pid")) out.pids_max = amount("pid").value();
  return out;
}

}  // namespace

bool enforces(const KubeletConfiguration& config, std::string_view what) {
  return std::ranges::find(config.enforce_node_allocatable, what) != config.enforce_node_allocatable.end();
}

Result<int64_t> cpu_cfs_period_us(const KubeletConfiguration& config) {
  if (!config.cpu_cfs_quota_period) return PodCgroupOptions().cpu_cfs_period_us;
  const int64_t nanos = config.cpu_cfs_quota_period->nanos;
  if (nanos < cfs_period_min_ns || nanos > cfs_period_max_ns)
    return invalid("cpuCFSQuotaPeriod (--cpu-cfs-quota-period) {" + api::format_duration(*config.cpu_cfs_quota_period) +
                   "} must be between 1ms and 1sec, inclusive");
  return nanos / 1000;
}

Result<PodCgroupOptions> pod_cgroup_options(const KubeletConfiguration& config) {
  PodCgroupOptions out;
  if (!config.cgroup_root.empty()) out.root = config.cgroup_root;
  out.systemd_driver = config.cgroup_driver == "systemd";
  out.cpu_cfs_quota = config.cpu_cfs_quota.value_or(true);
  TRY_ASSIGN(out.cpu_cfs_period_us, cpu_cfs_period_us(config));
  out.pod_pids_limit = config.pod_pids_limit.value_or(-1);
  return out;
}

Result<std::vector<ReservedCgroup>> reserved_cgroups(const KubeletConfiguration& config) {
  TRY(check_enforced(config));
  std::vector<ReservedCgroup> out;
  const auto add = [&](const std::string& what, const std::string& path, const char* fields, const FlatMap<std::string>& reserved,
                       const char* name) -> Result<Unit> {
    const bool compressible_only = enforces(config, what + "-compressible");
    if (!compressible_only && !enforces(config, what)) return Unit{};
    if (path.empty())
      return invalid(std::string(fields) + " must be specified when \"" + what + "\" or \"" + what +
                     "-compressible\" included in enforceNodeAllocatable (--enforce-node-allocatable)");
    out.push_back({configured_cgroup_path(path, config.cgroup_driver == "systemd"), name, limits_of(reserved, compressible_only)});
    return Unit{};
  };
  TRY(add("system-reserved", config.system_reserved_cgroup, "systemReservedCgroup (--system-reserved-cgroup)", config.system_reserved, "System"));
  TRY(add("kube-reserved", config.kube_reserved_cgroup, "kubeReservedCgroup (--kube-reserved-cgroup)", config.kube_reserved, "Kube"));
  return out;
}

Result<Unit> enforce(os::Cgroups& cgroups, const std::vector<ReservedCgroup>& reserved) {
  for (const ReservedCgroup& one : reserved) {
    const std::string failed = "Failed to enforce " + one.what + " Reserved Cgroup Limits on \"" + one.path + "\": ";
    if (!cgroups.exists(one.path)) return error(Reason::NotFound, failed + "\"" + one.path + "\" cgroup does not exist");
    if (const auto set = cgroups.set(one.path, one.limits); !set) return error(set.error().reason, failed + set.error().message);
  }
  return Unit{};
}

}  // namespace pintle::kubelet::cgroups

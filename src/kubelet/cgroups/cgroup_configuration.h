// What a KubeletConfiguration says about cgroups: how those of pods are made, and what is enforced (enforceNodeAllocatable).
// Upstream's rules and messages. Pure.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "api/gen/kubeletconfig_v1beta1.h"
#include "kubelet/cgroups/pod_cgroups.h"

namespace pintle::kubelet::cgroups {

// enforceNodeAllocatable lists it: "pods", "system-reserved" ...
bool enforces(const api::kubeletconfig_v1beta1::KubeletConfiguration& config, std::string_view what);

// Of pods' cgroups and of containers. Invalid: not between 1 ms and 1 s.
Result<int64_t> cpu_cfs_period_us(const api::kubeletconfig_v1beta1::KubeletConfiguration& config);
// But for the sizes of huge pages, which are the machine's.
Result<PodCgroupOptions> pod_cgroup_options(const api::kubeletconfig_v1beta1::KubeletConfiguration& config);

// A cgroup of daemons, which somebody else makes, and what it is held to.
struct ReservedCgroup {
  std::string path;
  std::string what;  // "System" or "Kube"
  os::CgroupLimits limits;
};
// Those that enforceNodeAllocatable means. Invalid: it lists what there is not, or what does not go together.
Result<std::vector<ReservedCgroup>> reserved_cgroups(const api::kubeletconfig_v1beta1::KubeletConfiguration& config);
// Sets the limits. NotFound: there is no such cgroup.
Result<Unit> enforce(os::Cgroups& cgroups, const std::vector<ReservedCgroup>& reserved);

}  // namespace pintle::kubelet::cgroups

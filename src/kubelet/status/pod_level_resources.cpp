#include "kubelet/status/pod_level_resources.h"

#include "kubelet/resources/node_resources.h"
#include "kubelet/resources/pod_resources.h"

namespace pintle::kubelet::status {

using namespace api::core_v1;

namespace {

constexpr int64_t shares_of_core = 1024;
// The kernel holds no less than these: a smaller amount of the spec stays as it is said.
constexpr int64_t least_request_milli = 2;
constexpr int64_t least_limit_milli = 10;

// Of the kernel's shares, rounded up.
int64_t milli_of_shares(uint64_t shares) { return (static_cast<int64_t>(shares) * 1000 + shares_of_core - 1) / shares_of_core; }

void set_cpu(rules::ResourceList& list, int64_t milli, int64_t least) {
  if (milli > least || resources::resource_milli_value(list, "cpu") > least) list["cpu"] = api::Quantity::from_milli(milli);
}

}  // namespace

ResourceRequirements pod_level_resources(const Pod& pod, std::string_view phase, const os::CgroupLimits* cgroup) {
  ResourceRequirements out;
  if (pod.spec.resources) out = *pod.spec.resources;
  if (phase != "Running") {
    out.requests = rules::pod_requests(pod.spec);
    out.limits = rules::pod_limits(pod.spec);
    return out;
  }
  if (!out.requests.contains("memory")) {
    const rules::ResourceList requests = rules::pod_requests(pod.spec);
    if (const api::Quantity* memory = requests.get("memory")) out.requests["memory"] = *memory;
  }
  if (cgroup == nullptr) return out;
  if (cgroup->cpu_shares.value_or(0) > 0) set_cpu(out.requests, milli_of_shares(*cgroup->cpu_shares), least_request_milli);
  if (cgroup->cpu_quota_us.value_or(0) > 0 && cgroup->cpu_period_us.value_or(0) > 0) {
    set_cpu(out.limits, *cgroup->cpu_quota_us * 1000 / static_cast<int64_t>(*cgroup->cpu_period_us), least_limit_milli);
  }
  if (cgroup->memory_bytes.value_or(0) > 0) out.limits["memory"] = resources::binary_quantity(*cgroup->memory_bytes);
  return out;
}

}  // namespace pintle::kubelet::status

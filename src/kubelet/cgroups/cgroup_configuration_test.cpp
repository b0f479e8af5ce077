#include "kubelet/cgroups/cgroup_configuration.h"

#include <gtest/gtest.h>

#include "kubelet/configuration/defaults.h"

namespace pintle::kubelet::cgroups {
namespace {

using api::kubeletconfig_v1beta1::KubeletConfiguration;

KubeletConfiguration with_period(int64_t nanos) {
  KubeletConfiguration out;
  out.cpu_cfs_quota_period.emplace().nanos = nanos;
  return out;
}

void check_period(const KubeletConfiguration& config, int64_t us, std::string_view why = "") {
  const auto options = pod_cgroup_options(config);
  if (!options) {
    EXPECT_EQ(options.error().message, why);
    return;
  }
  EXPECT_EQ(options->cpu_cfs_period_us, us);
}

TEST(CgroupConfiguration, PeriodOfTheCpuQuota) {
  check_period({}, 100'000);
  check_period(with_period(1'000'000), 1'000);
  check_period(with_period(1'000'000'000), 1'000'000);
  check_period(with_period(999'999), 0,
               "invalid configuration: cpuCFSQuotaPeriod (--cpu-cfs-quota-period) {999.999µs} must be between 1ms and 1sec, inclusive");
  check_period(with_period(2'000'000'000), 0,
               "invalid configuration: cpuCFSQuotaPeriod (--cpu-cfs-quota-period) {2s} must be between 1ms and 1sec, inclusive");
  api::core_v1::Pod pod;
  auto& limits = pod.spec.containers.emplace_back().resources.limits;
  limits["cpu"] = *api::Quantity::parse("2");
  pod.spec.containers[0].resources.requests["cpu"] = *api::Quantity::parse("1");
  const os::CgroupLimits held = pod_cgroup_limits(pod, *pod_cgroup_options(with_period(5'000'000)));
  EXPECT_EQ(held.cpu_period_us, 5'000u);
  EXPECT_EQ(held.cpu_quota_us, 10'000);
}

KubeletConfiguration enforcing(std::vector<std::string> what) {
  KubeletConfiguration out;
  out.enforce_node_allocatable = std::move(what);
  out.system_reserved = {{"cpu", "500m"}, {"memory", "1Gi"}, {"pid", "100"}};
  out.system_reserved_cgroup = "/daemons";
  out.kube_reserved = {{"cpu", "1"}};
  out.kube_reserved_cgroup = "/a.slice/a-b.slice";
  return out;
}

// "path shares/memory/pids ...", or why not.
std::string show(const KubeletConfiguration& config) {
  const auto reserved = reserved_cgroups(config);
  if (!reserved) return reserved.error().message;
  std::string out;
  for (const ReservedCgroup& one : *reserved) {
    const auto number = [](const auto& value) { return value ? std::to_string(*value) : std::string("-"); };
    out += one.path + " " + number(one.limits.cpu_shares) + "/" + number(one.limits.memory_bytes) + "/" + number(one.limits.pids_max) + " ";
  }
  return out;
}

TEST(CgroupConfiguration, WhatIsEnforced) {
  KubeletConfiguration defaults;
  configuration::apply_defaults(defaults);
  EXPECT_TRUE(enforces(defaults, "pods"));
  EXPECT_EQ(show(defaults), "");
  EXPECT_FALSE(enforces(enforcing({"none"}), "pods"));
  EXPECT_EQ(show(enforcing({"none"})), "");
  EXPECT_EQ(show(enforcing({"pods", "system-reserved"})), "/daemons 512/1073741824/100 ");
  EXPECT_EQ(show(enforcing({"system-reserved-compressible", "kube-reserved"})), "/daemons 512/-/- /a.slice/a-b.slice 1024/-/- ");
  KubeletConfiguration systemd = enforcing({"kube-reserved"});
  systemd.cgroup_driver = "systemd";
  EXPECT_EQ(show(systemd), "/a.slice/a-b.slice 1024/-/- ");
}

TEST(CgroupConfiguration, WhatIsRefused) {
  const std::string invalid = "invalid configuration: ";
  const std::string flag = "enforceNodeAllocatable (--enforce-node-allocatable)";
  EXPECT_EQ(show(enforcing({"none", "pods"})), invalid + flag + " has \"none\" beside others");
  EXPECT_EQ(show(enforcing({"kube-reserved", "kube-reserved-compressible"})),
            invalid + flag + " has \"kube-reserved\" and \"kube-reserved-compressible\": one of the two");
  EXPECT_TRUE(show(enforcing({"pod"})).starts_with(invalid + flag + " has \"pod\"; known are pods,"));
  KubeletConfiguration nowhere = enforcing({"system-reserved"});
  nowhere.system_reserved_cgroup.clear();
  EXPECT_EQ(show(nowhere), invalid +
                               "systemReservedCgroup (--system-reserved-cgroup) must be specified when \"system-reserved\" or "
                               "\"system-reserved-compressible\" included in " +
                               flag);
  const auto cgroups = os::make_cgroups_v1({{"memory", "/nowhere"}});
  const auto enforced = enforce(*cgroups, *reserved_cgroups(enforcing({"system-reserved"})));
  ASSERT_FALSE(enforced);
  EXPECT_EQ(enforced.error().message, "Failed to enforce System Reserved Cgroup Limits on \"/daemons\": \"/daemons\" cgroup does not exist");
}

}  // namespace
}  // namespace pintle::kubelet::cgroups

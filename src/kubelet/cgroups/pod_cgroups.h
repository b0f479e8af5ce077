// PodCgroups: the cgroups above containers: one for all pods, one for each of the classes Burstable and BestEffort, one for
// each pod, with upstream's names. Calls block for kernel files: small ones; run on the blocking pool from hot paths.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "api/gen/core_v1.h"
#include "base/flat_map.h"
#include "base/status.h"
#include "os/cgroup.h"

namespace pintle::kubelet::cgroups {

struct PodCgroupOptions {
  std::string root = "/";       // --cgroup-root: the parent of kubepods
  bool systemd_driver = false;  // names as slices: kubepods-burstable-podUID.slice
  bool per_qos = true;          // --cgroups-per-qos; false: pods have no cgroup of their own
  bool cpu_cfs_quota = true;
  int64_t cpu_cfs_period_us = 100'000;
  bool unlimited_with_own_cpus = false;  // a pod whose containers have CPUs of their own is not held to a share of time as well
  int64_t pod_pids_limit = -1;
  std::vector<uint64_t> hugepage_sizes_bytes;
};

class PodCgroups {
 public:
  // `cgroups` outlives it.
  PodCgroups(os::Cgroups& cgroups, PodCgroupOptions options);

  // Makes kubepods and its classes; limits kubepods to `for_pods`: capacity less what is reserved for the system and Kubernetes (the
  // eviction threshold counts in), or all of it.
  Result<Unit> set_up(const FlatMap<api::Quantity>& for_pods);
  // Makes the pod's cgroup with its limits, or brings the limits of one that is there up to date.
  Result<Unit> apply(const api::core_v1::Pod& pod);
  // What the pod's cgroup is held to.
  os::CgroupLimits limits_of(const api::core_v1::Pod& pod) const;
  // The weight of the class Burstable against Guaranteed pods.
  Result<Unit> set_burstable_shares(uint64_t shares);
  // Kills what is left in it and removes it. Conflict while a process lingers: call again.
  Result<Unit> remove(std::string_view pod_uid);
  // UIDs of pods that have a cgroup.
  std::vector<std::string> pods() const;
  // What the runtime is told (cgroup_parent of the sandbox).
  std::string parent_of(const api::core_v1::Pod& pod) const;
  // Below the mounted cgroup roots.
  std::string path_of(const api::core_v1::Pod& pod) const;
  Result<os::CgroupUsage> usage(const api::core_v1::Pod& pod) const;
  Result<os::CgroupUsage> node_usage() const;  // of kubepods
  bool limits_swap() const;                    // the kernel can limit the swap of containers; after set_up()

 private:
  os::Cgroups& cgroups_;
  PodCgroupOptions options_;
};

// "/kubepods/burstable/podUID", or "/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-podUID.slice".
// Pure; `parts` are "kubepods", "burstable", "podUID" after those of the root.
std::string cgroup_path(const std::vector<std::string>& parts, bool systemd_driver);

// Of all pods, below the cgroup that --cgroup-root names. Pure.
std::string pods_cgroup(std::string_view root, bool systemd_driver);

// The path of a cgroup that a configuration names: as slices ("/a.slice/a-b.slice") or as a plain path. Pure.
std::string configured_cgroup_path(std::string_view path, bool systemd_driver);

// The shares of the class Burstable: those of its pods' CPU requests together. BestEffort always has the fewest. Pure.
uint64_t burstable_shares(const std::vector<const api::core_v1::Pod*>& active);

// The limits of a pod's cgroup. Pure.
os::CgroupLimits pod_cgroup_limits(const api::core_v1::Pod& pod, const PodCgroupOptions& options);

}  // namespace pintle::kubelet::cgroups

// StaticPolicy: containers of Guaranteed pods that ask for whole CPUs get CPUs of their own; all others share the rest. Pure.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>

#include "api/gen/core_v1.h"
#include "base/expected.h"
#include "base/status.h"
#include "kubelet/cpu_manager/cpu_assignment.h"
#include "kubelet/cpu_manager/cpu_state.h"
#include "kubelet/topology_hints/hints.h"
#include "kubelet/types/waiting_reason.h"

namespace pintle::kubelet::cpu_manager {

struct StaticOptions {
  bool full_cores_only = false;     // full-pcpus-only
  bool strict_reservation = false;  // strict-cpu-reservation
  bool prefer_cache = false;        // prefer-align-cpus-by-uncorecache
};
// cpuManagerPolicyOptions. Invalid: one that nobody knows, or that is not built here, or a value that is no boolean.
Result<StaticOptions> static_options(const FlatMap<std::string>& options);

class StaticPolicy {
 public:
  // `reserved`: the CPUs that no container gets for itself, as they were named; else so many of the lowest cores. Invalid without any.
  static Result<StaticPolicy> make(CpuTopology topology, CpuSet reserved, std::size_t reserved_count, StaticOptions options);

  // What an earlier life left ("" of it: nothing). Invalid, in upstream's words, where it is not this machine's.
  Result<CpuState> begin(CpuState state) const;
  // Gives a container of the pod what it wants, near `numa_nodes` first. Init containers come first, in their order; `reusable` is what they
  // leave to those after them. The error is how the pod fails: then release() it. True: it got some.
  Expected<bool, WaitingReason> allocate(const api::core_v1::Pod& pod, const api::core_v1::Container& container, CpuSet& reusable, CpuState& state,
                                         const std::optional<std::set<int64_t>>& numa_nodes = std::nullopt) const;
  // On which nodes the container, or the pod as a whole, could have what it wants.
  topology_hints::ResourceHints hints(const api::core_v1::Pod& pod, const api::core_v1::Container& container, const CpuSet& reusable,
                                      const CpuState& state) const;
  topology_hints::ResourceHints pod_hints(const api::core_v1::Pod& pod, const CpuState& state) const;
  // True: it had some.
  bool release(std::string_view uid, CpuState& state) const;
  const CpuSet& reserved() const { return reserved_; }
  const CpuTopology& topology() const { return topology_; }

 private:
  StaticPolicy() = default;
  Expected<Unit, WaitingReason> check_cores(std::size_t count, const CpuState& state) const;
  Result<CpuSet> take(std::size_t count, const CpuSet& from, const std::optional<std::set<int64_t>>& numa_nodes) const;
  std::vector<topology_hints::TopologyHint> hints_of(std::size_t count, const CpuSet& available, const CpuSet& reusable) const;

  CpuTopology topology_;
  CpuSet reserved_;
  CpuSet reserved_cores_;  // with the CPUs that share cores with those
  StaticOptions options_;
};

}  // namespace pintle::kubelet::cpu_manager

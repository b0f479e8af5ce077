// StaticPolicy: containers of Guaranteed pods that ask for whole CPUs get CPUs of their own; all others share the rest. Pure.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>

#include "api/gen/core_v1.h"
#include "base/expected.h"
#include "base/status.h"
#include "kubelet/cpu_manager/cpu_assignment.h"
#include "kubelet/cpu_manager/cpu_state.h"
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
  // Gives all containers of the pod what they want; the error is how it fails, and `state` is as before. True: some got theirs.
  Expected<bool, WaitingReason> allocate(const api::core_v1::Pod& pod, CpuState& state) const;
  // True: it had some.
  bool release(std::string_view uid, CpuState& state) const;
  const CpuSet& reserved() const { return reserved_; }
  const CpuTopology& topology() const { return topology_; }

 private:
  StaticPolicy() = default;
  Expected<Unit, WaitingReason> check_cores(std::size_t count, const CpuState& state) const;

  CpuTopology topology_;
  CpuSet reserved_;
  CpuSet reserved_cores_;  // with the CPUs that share cores with those
  StaticOptions options_;
};

}  // namespace pintle::kubelet::cpu_manager

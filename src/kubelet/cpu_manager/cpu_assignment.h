// Which CPUs a container gets of those that are free: as whole sockets, nodes and cores as can be, so that what is left stays whole, too;
// upstream's "packed" order, so that either kubelet gives the same. Pure.
#pragma once

#include "base/status.h"
#include "kubelet/cpu_manager/cpu_topology.h"

namespace pintle::kubelet::cpu_manager {

struct AssignmentOptions {
  bool prefer_cache = false;  // prefer-align-cpus-by-uncorecache
};
// Invalid, in upstream's words, when there are not enough.
Result<CpuSet> take_cpus(const CpuTopology& topology, const CpuSet& available, std::size_t count, AssignmentOptions options = {});

}  // namespace pintle::kubelet::cpu_manager

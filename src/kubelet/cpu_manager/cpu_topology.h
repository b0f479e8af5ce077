// CpuTopology: how this machine's CPUs (hardware threads) share cores, caches, NUMA nodes and sockets, as sysfs tells.
#pragma once

#include <cstdint>
#include <map>
#include <string>

#include "base/status.h"
#include "kubelet/types/cpu_set.h"

namespace pintle::kubelet::cpu_manager {

struct CpuInfo {
  int32_t core = 0;   // the lowest CPU of the core: cores are told apart across sockets
  int32_t cache = 0;  // of the third level; the NUMA node where there is none
  int32_t numa_node = 0;
  int32_t socket = 0;
  bool operator==(const CpuInfo&) const = default;
};

using CpuLevel = int32_t CpuInfo::*;

struct CpuTopology {
  std::map<int32_t, CpuInfo> cpus;  // by id; online ones

  CpuSet all() const;
  // Which of `cpus` belong to the core, cache, node or socket with this id.
  CpuSet in(CpuLevel level, int32_t id, const CpuSet& cpus) const;
  // The ids at that level that `cpus` belong to.
  CpuSet ids(CpuLevel level, const CpuSet& cpus) const;
  std::size_t count(CpuLevel level) const { return ids(level, all()).size(); }
  // How many CPUs a core has.
  std::size_t cpus_per_core() const;
};

// `sysfs`: /sys, or a recorded tree. InternalError where no CPU is told of.
Result<CpuTopology> read_cpu_topology(const std::string& sysfs);

}  // namespace pintle::kubelet::cpu_manager

#include "kubelet/cpu_manager/cpu_assignment.h"

#include <fmt/format.h>

#include <algorithm>
#include <vector>

namespace pintle::kubelet::cpu_manager {

namespace {

using Ids = std::vector<int32_t>;

class Taking {
 public:
  Taking(const CpuTopology& topology, const CpuSet& available, std::size_t count)
      : topology_(topology), free_(common(available, topology.all())), needed_(count) {
    // Which level is the wider one: a machine may have several nodes in a socket, or several sockets in a node.
    const bool nodes_are_wider = topology.count(&CpuInfo::socket) >= topology.count(&CpuInfo::numa_node);
    first_ = nodes_are_wider ? &CpuInfo::numa_node : &CpuInfo::socket;
    second_ = nodes_are_wider ? &CpuInfo::socket : &CpuInfo::numa_node;
  }

  bool done() const { return needed_ == 0; }
  bool impossible() const { return needed_ > free_.size(); }
  const CpuSet& taken() const { return taken_; }

  void whole(CpuLevel level, const Ids& order) {
    for (const int32_t id : order) {
      const CpuSet all = topology_.in(level, id, topology_.all());
      if (topology_.in(level, id, free_).size() == all.size() && needed_ >= all.size()) take(all);
    }
  }
  void whole_wide() {
    whole(first_, first_level());
    if (!done()) whole(second_, second_level());
  }
  void whole_cores() { whole(&CpuInfo::core, cores()); }
  void by_cache() {
    const std::size_t per_cache = topology_.cpus.size() / std::max<std::size_t>(1, topology_.count(&CpuInfo::cache));
    for (const int32_t cache : caches()) {
      if (needed_ >= per_cache) whole(&CpuInfo::cache, caches());
      if (!done()) part_of_cache(cache);
      if (done()) return;
    }
  }
  void single() {
    for (const int32_t cpu : single_order()) {
      take({cpu});
      if (done()) return;
    }
  }

 private:
  void take(const CpuSet& cpus) {
    taken_ = united(taken_, cpus);
    free_ = without(free_, cpus);
    needed_ -= cpus.size();
  }
  // Those with the fewest free CPUs first, of these the lowest.
  Ids sorted(CpuLevel level, const CpuSet& among) const {
    const CpuSet ids = topology_.ids(level, among);
    Ids out(ids.begin(), ids.end());
    std::ranges::stable_sort(out, {}, [&](int32_t id) { return topology_.in(level, id, free_).size(); });
    return out;
  }
  // The ids of `inner` in the order of those of `outer`.
  Ids nested(CpuLevel outer, const Ids& order, CpuLevel inner) const {
    Ids out;
    for (const int32_t id : order)
      for (const int32_t one : sorted(inner, topology_.in(outer, id, free_))) out.push_back(one);
    return out;
  }
  Ids first_level() const { return sorted(first_, free_); }
  Ids second_level() const { return nested(first_, first_level(), second_); }
  Ids nodes() const { return first_ == &CpuInfo::numa_node ? first_level() : second_level(); }
  Ids cores() const { return nested(second_, second_level(), &CpuInfo::core); }
  Ids caches() const { return nested(&CpuInfo::numa_node, nodes(), &CpuInfo::cache); }
  Ids single_order() const {
    Ids out;
    for (const int32_t core : cores())
      for (const int32_t cpu : topology_.in(&CpuInfo::core, core, free_)) out.push_back(cpu);
    return out;
  }
  // If the rest fits into this cache exactly, core by core.
  void part_of_cache(int32_t cache) {
    const std::size_t per_core = topology_.cpus_per_core();
    const CpuSet in_cache = topology_.in(&CpuInfo::cache, cache, free_);
    CpuSet wanted;
    std::size_t cores = (needed_ + per_core - 1) / per_core;
    for (const int32_t core : topology_.ids(&CpuInfo::core, in_cache)) {
      if (cores-- == 0) break;
      wanted = united(wanted, topology_.in(&CpuInfo::core, core, free_));
    }
    if (needed_ % 2 != 0 && per_core > 1 && wanted.size() > needed_) wanted.erase(std::prev(wanted.end()));
    if (wanted.size() == needed_) take(wanted);
  }

  const CpuTopology& topology_;
  CpuSet free_;
  std::size_t needed_;
  CpuSet taken_;
  CpuLevel first_;
  CpuLevel second_;
};

}  // namespace

Result<CpuSet> take_cpus(const CpuTopology& topology, const CpuSet& available, std::size_t count, AssignmentOptions options) {
  Taking taking(topology, available, count);
  if (taking.impossible())
    return error(Reason::Invalid, fmt::format("not enough cpus available to satisfy request: requested={}, available={}", count, available.size()));
  if (!taking.done()) taking.whole_wide();
  if (!taking.done() && options.prefer_cache) taking.by_cache();
  if (!taking.done()) taking.whole_cores();
  if (!taking.done()) taking.single();
  if (!taking.done()) return error(Reason::Invalid, "failed to allocate cpus");
  return taking.taken();
}

}  // namespace pintle::kubelet::cpu_manager

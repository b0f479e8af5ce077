// ShapeTables: what is kept of pods of the same needs (PodInfo::needs) between their cycles: what the filters that look at a node alone said of each
// node, and the sum of the scores that do. A node that changed is asked again, when it is met. Decisions 0043 and 0047.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "scheduler/algorithm/filter_runner.h"
#include "scheduler/cache/cache.h"
#include "scheduler/framework/node_verdicts.h"

namespace pintle::scheduler::algorithm {

struct ShapeTable {
  static constexpr int64_t no_score = -1;

  const FilterRunner* filters = nullptr;
  std::size_t needs_hash = 0;
  std::string needs;
  NodeVerdicts verdicts;
  std::vector<int64_t> scores;    // by slot: weighted, of the plugins that score a node alone
  std::vector<uint32_t> unasked;  // slots whose verdict is unknown, and some that were asked since
  std::vector<bool> is_unasked;   // by slot: it is among them
  std::vector<uint32_t> own;      // slots whose verdict is one pod's own: it is nominated there
  uint64_t generation = 0;        // of the cache, up to which changes are seen
  uint64_t used = 0;

  // Every node was asked.
  void forget_unasked() {
    for (const uint32_t slot : unasked) is_unasked[slot] = false;
    unasked.clear();
  }
};

class ShapeTables {
 public:
  static constexpr std::size_t tables_max = 32;  // some 15 bytes a node each; then the one that was not used longest makes room

  explicit ShapeTables(const cache::Cache& cache) : cache_(cache) {}
  // The table of the pod's needs, with every node that changed marked as unknown. Valid until the next call.
  ShapeTable& of(const FilterRunner& filters, const PodInfo& pod);
  // Asks about the node, where that is not known. Still unknown: the table cannot hold the answer (an error, or too many different ones), and the
  // search is to do without it.
  NodeVerdicts::Id ask(ShapeTable& table, const CycleState& state, const PodInfo& pod, const NodeInfo& node);
  // Asks about all nodes that are unknown. False: as above.
  bool ask_all(ShapeTable& table, const CycleState& state, const PodInfo& pod);

 private:
  void see_changes(ShapeTable& table);

  const cache::Cache& cache_;
  std::vector<std::unique_ptr<ShapeTable>> tables_;
  uint64_t uses_ = 0;
  NodeInfo scratch_;
};

}  // namespace pintle::scheduler::algorithm

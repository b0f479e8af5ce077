// Algorithm: which node a pod goes to: PreFilter, Filter over enough nodes, PreScore, Score, the best one (by chance among
// equals). Waits for nothing and changes nothing but the place where the next pod's search begins.
#pragma once

#include <map>
#include <span>
#include <string>
#include <vector>

#include "base/expected.h"
#include "rt/clock.h"
#include "scheduler/algorithm/filter_runner.h"
#include "scheduler/algorithm/shape_tables.h"
#include "scheduler/cache/cache.h"
#include "scheduler/extenders/extenders.h"
#include "scheduler/framework/diagnosis.h"
#include "scheduler/framework/metrics.h"

namespace pintle::scheduler::algorithm {

constexpr std::size_t feasible_nodes_min = 100;  // as many are always looked for
constexpr std::size_t feasible_percentage_min = 5;
constexpr std::size_t unasked_share_min = 64;  // nodes that changed, and an eighth of all: asked at once where no other fits

// How many feasible nodes are enough. `percentage` 0: adaptive, 50 % down to 5 % as clusters grow.
std::size_t feasible_nodes_to_find(std::size_t nodes, int32_t percentage);

struct Placement {
  const NodeInfo* node = nullptr;  // nullptr: see `error` or `diagnosis`
  std::size_t evaluated = 0;
  std::size_t feasible = 0;
  PluginStatus error;     // Code::Error: a phase failed
  bool no_nodes = false;  // the cluster has none
};

class Algorithm {
 public:
  Algorithm(const cache::Cache& cache, rt::Clock& clock, rt::Random& random, SchedulerMetrics& metrics)
      : cache_(cache), clock_(clock), random_(random), metrics_(metrics), tables_(cache) {}
  // By what is kept of earlier pods of the same shape; find() and choose() come to the same without it. The diagnosis of a pod that fits nowhere
  // stays until the next call. `global_percentage`: for profiles without their own.
  Placement schedule(const FilterRunner& filters, CycleState& state, const PodInfo& pod, int32_t global_percentage);
  Diagnosis& diagnosis() { return diagnosis_; }

  // The two halves of schedule(), for pods in which others have a say: the nodes that fit are feasible() until the next call; then the best of
  // those that are left. Where the search began tells the next one to look at the same nodes.
  Placement find(const FilterRunner& filters, CycleState& state, const PodInfo& pod, int32_t global_percentage);
  const std::vector<const NodeInfo*>& feasible() const { return feasible_.infos(); }
  // Of the nodes that fit, those that `verdict` passes stay; what it objects to is in the diagnosis.
  void narrow(const extenders::Verdict& verdict);
  Placement choose(const FilterRunner& filters, CycleState& state, const PodInfo& pod, Placement found,
                   const std::map<std::string, int64_t>& further);
  std::size_t next_start() const { return next_start_; }
  void set_next_start(std::size_t start) { next_start_ = start; }

 private:
  bool pre_filter(const Profile& profile, CycleState& state, const PodInfo& pod, NodeNames& nodes, Placement& out);
  Placement search(const FilterRunner& filters, CycleState& state, const PodInfo& pod, int32_t global_percentage, bool kept);
  bool find_feasible(const FilterRunner& filters, const CycleState& state, const PodInfo& pod, std::span<const NodeInfo* const> nodes,
                     std::size_t wanted, Placement& out);
  // The same over all nodes, with the table of the pod's shape. False: the table is of no use for it.
  bool find_kept(const FilterRunner& filters, const CycleState& state, const PodInfo& pod, std::size_t wanted, Placement& out);
  void diagnose_kept(const ShapeTable& table, std::size_t first);
  bool pre_score(const Profile& profile, CycleState& state, const PodInfo& pod, Placement& out);
  bool score(const Profile& profile, CycleState& state, const PodInfo& pod, Placement& out);
  // Adds the scores of some plugins (all of them, or those that do or do not score a node alone) of `nodes` to `totals`.
  enum class Scorers : uint8_t { All, OfOneNode, OfAllNodes };
  bool add_scores(const Profile& profile, const CycleState& state, const PodInfo& pod, Scorers which, Nodes nodes, std::span<int64_t> totals,
                  Placement& out);
  bool add_kept_scores(const Profile& profile, const CycleState& state, const PodInfo& pod, Placement& out);
  const NodeInfo* best();

  const cache::Cache& cache_;
  rt::Clock& clock_;
  rt::Random& random_;
  SchedulerMetrics& metrics_;
  std::size_t next_start_ = 0;
  Diagnosis diagnosis_;
  std::vector<const NodeInfo*> candidates_;  // of a narrowed search
  NodeList feasible_;
  std::vector<int64_t> scores_;  // of one plugin
  std::vector<int64_t> totals_;
  ShapeTables tables_;
  ShapeTable* table_ = nullptr;  // of this cycle
  NodeList unscored_;
  std::vector<int64_t> fresh_;
};

}  // namespace pintle::scheduler::algorithm

// DryRun: which pods would have to leave which nodes for a pod that fits nowhere. Where filters that look at a node alone decide, what was found of a
// node is kept for other pods of the shape until the node, what is nominated to it, or a disruption budget changes. Belongs to the scheduler's
// executor.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <vector>

#include "scheduler/algorithm/filter_runner.h"
#include "scheduler/cache/cache.h"
#include "scheduler/framework/diagnosis.h"
#include "scheduler/plugins/default_preemption/plan.h"

namespace pintle::scheduler::plugins {

class DryRun {
 public:
  static constexpr std::size_t shapes_max = 8;  // then the one that was not tried longest is forgotten

  DryRun(const cache::Cache& cache, const algorithm::FilterRunner& filters) : cache_(cache), filters_(filters) {}
  // Budgets changed: what they forbid is asked anew.
  void forget() { shapes_.clear(); }

  struct Limits {
    std::size_t first;   // of the nodes, where the search begins
    std::size_t wanted;  // candidates, one without a violated budget among them
  };
  // The best candidate; nullptr: there is none, and `rejections` says why. Valid until the next call. `all`, if given, gets every one.
  const Candidate* best(const CycleState& state, const PodInfo& pod, std::span<const NodeInfo* const> nodes, std::span<const BudgetPtr> budgets,
                        Limits limits, ReasonCounts& rejections, std::vector<Candidate>* all);
  // The same without anything kept.
  const Candidate* best_anew(const CycleState& state, const PodInfo& pod, std::span<const NodeInfo* const> nodes, std::span<const BudgetPtr> budgets,
                             Limits limits, ReasonCounts& rejections, std::vector<Candidate>* all);

 private:
  struct Trial {
    uint64_t changed_at = 0;  // of the node, when this was found; 0: never
    NodeVerdicts::Id verdict = NodeVerdicts::unknown;
    Candidate candidate;
    CandidateCost cost;
  };
  struct Shape {
    std::string shape;
    std::size_t hash = 0;
    uint64_t used = 0;
    NodeVerdicts verdicts;      // of which the numbers and texts matter
    std::vector<Trial> trials;  // by slot
  };
  Shape& shape_of(const PodInfo& pod);
  Code try_node(const CycleState& state, const PodInfo& pod, const NodeInfo& node, std::span<const BudgetPtr> budgets, Candidate& out,
                Reasons& reasons);
  Code try_node_with_all(const CycleState& state, const PodInfo& pod, const NodeInfo& node, std::span<const BudgetPtr> budgets, Candidate& out,
                         Reasons& reasons);

  const cache::Cache& cache_;
  const algorithm::FilterRunner& filters_;
  std::vector<std::unique_ptr<Shape>> shapes_;
  uint64_t uses_ = 0;
  NodeInfo scratch_;
  Trial own_;  // of the node that the pod itself is nominated to
  std::vector<Candidate> anew_;
  std::vector<CycleState> states_;  // the owners of texts
};

}  // namespace pintle::scheduler::plugins

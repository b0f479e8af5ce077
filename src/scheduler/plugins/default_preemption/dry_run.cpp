#include "scheduler/plugins/default_preemption/dry_run.h"

#include <algorithm>

namespace pintle::scheduler::plugins {

namespace {

constexpr std::string_view no_victims = "No preemption victims found for incoming pod";

std::vector<PlacedPodPtr> lower_pods(const PodInfo& pod, const NodeInfo& node) {
  std::vector<PlacedPodPtr> out;
  for (const PlacedPodPtr& other : node.pods)
    if (other->priority < pod.priority) out.push_back(other);
  return out;
}

// `lower` have left the node. Each that may stay stays: first those that are protected, the important before the others.
template <class MayReturn>
void choose_victims(std::vector<PlacedPodPtr> lower, std::span<const BudgetPtr> budgets, Candidate& out, MayReturn may_return) {
  std::ranges::sort(lower, [](const PlacedPodPtr& a, const PlacedPodPtr& b) { return more_important(*a, *b); });
  const std::vector<bool> violates = violates_budget(lower, budgets);
  for (const bool protected_ones : {true, false})
    for (std::size_t i = 0; i < lower.size(); ++i) {
      if (violates[i] != protected_ones || may_return(lower[i])) continue;
      out.victims.push_back(lower[i]);
      out.budget_violations += violates[i];
    }
  std::ranges::sort(out.victims, [](const PlacedPodPtr& a, const PlacedPodPtr& b) { return more_important(*a, *b); });
}

}  // namespace

Code DryRun::try_node(const CycleState& state, const PodInfo& pod, const NodeInfo& node, std::span<const BudgetPtr> budgets, Candidate& out,
                      Reasons& reasons) {
  std::vector<PlacedPodPtr> lower = lower_pods(pod, node);
  if (lower.empty()) {
    reasons.add(no_victims);
    return Code::UnschedulableAndUnresolvable;
  }
  scratch_ = node;
  for (const PlacedPodPtr& other : lower) scratch_.remove_pod(other->uid());
  filters_.add_nominated(pod, scratch_);
  int plugin = -1;
  const Code code = filters_.run_kept_on(state, pod, scratch_, reasons, plugin);
  if (code != Code::Success) return code;
  out.node = node.name();
  choose_victims(std::move(lower), budgets, out, [&](const PlacedPodPtr& other) {
    scratch_.add_pod(other);
    Reasons ignored;
    if (filters_.run_kept_on(state, pod, scratch_, ignored, plugin) == Code::Success) return true;
    scratch_.remove_pod(other->uid());
    return false;
  });
  return Code::Success;
}

Code DryRun::try_node_with_all(const CycleState& real_state, const PodInfo& pod, const NodeInfo& real_node, std::span<const BudgetPtr> budgets,
                               Candidate& out, Reasons& reasons) {
  std::vector<PlacedPodPtr> lower = lower_pods(pod, real_node);
  if (lower.empty()) {
    reasons.add(no_victims);
    return Code::UnschedulableAndUnresolvable;
  }
  NodeInfo node = real_node;
  CycleState state = real_state.clone();
  for (const PlacedPodPtr& other : lower) filters_.remove_pod(state, pod, other, node);
  int plugin = -1;
  const Code code = filters_.run_with_nominated(state, pod, node, reasons, plugin);
  if (code != Code::Success) {
    states_.push_back(std::move(state));
    return code;
  }
  out.node = real_node.name();
  choose_victims(std::move(lower), budgets, out, [&](const PlacedPodPtr& other) {
    filters_.add_pod(state, pod, other, node);
    Reasons ignored;
    if (filters_.run_with_nominated(state, pod, node, ignored, plugin) == Code::Success) return true;
    filters_.remove_pod(state, pod, other, node);
    return false;
  });
  return Code::Success;
}

const Candidate* DryRun::best_anew(const CycleState& state, const PodInfo& pod, std::span<const NodeInfo* const> nodes,
                                   std::span<const BudgetPtr> budgets, Limits limits, ReasonCounts& rejections, std::vector<Candidate>* all) {
  anew_.clear();
  states_.clear();
  std::size_t without_violation = 0;
  for (std::size_t i = 0, at = limits.first; i < nodes.size(); ++i, at = at + 1 == nodes.size() ? 0 : at + 1) {
    Candidate candidate;
    Reasons reasons;
    if (try_node_with_all(state, pod, *nodes[at], budgets, candidate, reasons) != Code::Success) {
      rejections.add(reasons, 1);
      continue;
    }
    without_violation += candidate.budget_violations == 0;
    anew_.push_back(std::move(candidate));
    if (anew_.size() >= limits.wanted && without_violation > 0) break;
  }
  if (anew_.empty()) return nullptr;
  if (all != nullptr) *all = anew_;
  return &best_candidate(anew_);
}

DryRun::Shape& DryRun::shape_of(const PodInfo& pod) {
  Shape* found = nullptr;
  for (const auto& shape : shapes_)
    if (shape->hash == pod.shape_hash && shape->shape == pod.shape) found = shape.get();
  if (found == nullptr || found->verdicts.full()) {
    if (found == nullptr && shapes_.size() < shapes_max)
      found = shapes_.emplace_back(std::make_unique<Shape>()).get();
    else if (found == nullptr)
      found = std::ranges::min_element(shapes_, {}, [](const auto& shape) { return shape->used; })->get();
    *found = {};
    found->shape = pod.shape;
    found->hash = pod.shape_hash;
  }
  found->used = ++uses_;
  if (found->trials.size() < cache_.slot_count()) found->trials.resize(cache_.slot_count());
  return *found;
}

const Candidate* DryRun::best(const CycleState& state, const PodInfo& pod, std::span<const NodeInfo* const> nodes, std::span<const BudgetPtr> budgets,
                              Limits limits, ReasonCounts& rejections, std::vector<Candidate>* all) {
  if (pod.shape.empty() || !filters_.only_kept(state)) return best_anew(state, pod, nodes, budgets, limits, rejections, all);
  Shape& shape = shape_of(pod);
  const NodeInfo* own = cache_.find(filters_.nominated_node(pod));
  const Trial* best = nullptr;
  std::size_t candidates = 0, without_violation = 0;
  std::vector<std::size_t> rejected;  // nodes by verdict
  for (std::size_t i = 0, at = limits.first; i < nodes.size(); ++i, at = at + 1 == nodes.size() ? 0 : at + 1) {
    const NodeInfo& node = *nodes[at];
    const uint64_t changed_at = cache_.changed_at(node.slot);
    Trial& trial = &node == own ? own_ : shape.trials[node.slot];
    if (&node == own || trial.changed_at != changed_at) {
      trial = {};
      Reasons reasons;
      const Code code = try_node(state, pod, node, budgets, trial.candidate, reasons);
      trial.verdict = shape.verdicts.find(code, -1, reasons);
      if (trial.verdict == NodeVerdicts::unknown) return best_anew(state, pod, nodes, budgets, limits, rejections, all);  // too many answers
      if (code == Code::Success) trial.cost = cost_of(trial.candidate);
      trial.changed_at = changed_at;
    }
    if (trial.verdict != NodeVerdicts::fits) {
      if (rejected.size() <= trial.verdict) rejected.resize(trial.verdict + 1u);
      ++rejected[trial.verdict];
      continue;
    }
    ++candidates;
    without_violation += trial.candidate.budget_violations == 0;
    if (all != nullptr) all->push_back(trial.candidate);
    if (best == nullptr || trial.cost < best->cost) best = &trial;
    if (candidates >= limits.wanted && without_violation > 0) break;
  }
  if (best != nullptr) return &best->candidate;
  for (std::size_t id = 0; id < rejected.size(); ++id)
    if (rejected[id] > 0) rejections.add(shape.verdicts.all()[id].reasons, rejected[id]);
  return nullptr;
}

}  // namespace pintle::scheduler::plugins

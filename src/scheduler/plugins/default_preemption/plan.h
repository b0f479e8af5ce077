// Which pods leave which node: the choices of preemption, as pure functions.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <tuple>
#include <vector>

#include "api/gen/policy_v1.h"
#include "scheduler/framework/node_info.h"

namespace pintle::scheduler::plugins {

// A node, and the pods that would have to leave it.
struct Candidate {
  std::string node;
  std::vector<PlacedPodPtr> victims;  // most important first
  int64_t budget_violations = 0;      // of them, those whose disruption budget forbids it
};

// Of higher priority, or of the same and running longer.
bool more_important(const PlacedPod& a, const PlacedPod& b);

using BudgetPtr = std::shared_ptr<const api::policy_v1::PodDisruptionBudget>;
// For each pod, in order, whether a budget has no disruption left for it when those before it are gone.
std::vector<bool> violates_budget(std::span<const PlacedPodPtr> pods, std::span<const BudgetPtr> budgets);

// What decides between candidates; less is better.
using CandidateCost = std::tuple<int64_t, int64_t, int64_t, std::size_t, int64_t, int32_t>;
CandidateCost cost_of(const Candidate& candidate);

// The best of them: fewest violations, lowest top priority, lowest sum of priorities, fewest victims, the latest start of
// the most important. CHECK: not empty.
const Candidate& best_candidate(std::span<const Candidate> candidates);

// How many candidates are enough to choose from.
std::size_t candidates_wanted(std::size_t nodes, int32_t percentage, int32_t absolute);

}  // namespace pintle::scheduler::plugins

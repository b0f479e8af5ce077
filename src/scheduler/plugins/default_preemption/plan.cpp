#include "scheduler/plugins/default_preemption/plan.h"

#include <algorithm>
#include <limits>
#include <tuple>

#include "apimachinery/selectors/label_selector.h"
#include "base/check.h"

namespace pintle::scheduler::plugins {

namespace {

std::pair<int64_t, int32_t> start_of(const PlacedPod& pod) { return {pod.start_seconds, pod.start_nanos}; }

// When the longest running of the victims with the highest priority started.
std::pair<int64_t, int32_t> earliest_start(const Candidate& candidate) {
  int32_t top = std::numeric_limits<int32_t>::min();
  for (const PlacedPodPtr& victim : candidate.victims) top = std::max(top, victim->priority);
  auto out = std::pair(std::numeric_limits<int64_t>::max(), 0);
  for (const PlacedPodPtr& victim : candidate.victims)
    if (victim->priority == top) out = std::min(out, start_of(*victim));
  return out;
}

}  // namespace

CandidateCost cost_of(const Candidate& candidate) {
  int64_t top = std::numeric_limits<int64_t>::min(), sum = 0;
  for (const PlacedPodPtr& victim : candidate.victims) {
    top = std::max<int64_t>(top, victim->priority);
    sum += static_cast<int64_t>(victim->priority) + std::numeric_limits<int32_t>::max() + 1;  // so that fewer sum to less
  }
  const auto [seconds, nanos] = earliest_start(candidate);
  return {candidate.budget_violations, top, sum, candidate.victims.size(), -seconds, -nanos};
}

bool more_important(const PlacedPod& a, const PlacedPod& b) { return a.priority != b.priority ? a.priority > b.priority : start_of(a) < start_of(b); }

std::vector<bool> violates_budget(std::span<const PlacedPodPtr> pods, std::span<const BudgetPtr> budgets) {
  std::vector<int32_t> left;
  std::vector<apimachinery::LabelSelector> selectors;
  for (const BudgetPtr& budget : budgets) {
    left.push_back(budget->status.disruptions_allowed);
    auto selector = apimachinery::to_label_selector(budget->spec.selector.get());
    selectors.push_back(selector ? std::move(*selector) : apimachinery::LabelSelector::nothing());
  }
  std::vector<bool> out;
  for (const PlacedPodPtr& pod : pods) {
    bool violates = false;
    for (std::size_t i = 0; i < budgets.size(); ++i) {
      const auto& budget = *budgets[i];
      if (budget.metadata.namespace_ != pod->namespace_name() || pod->labels().empty()) continue;
      if (selectors[i].matches_everything() || !selectors[i].matches(pod->labels())) continue;
      if (budget.status.disrupted_pods.contains(pod->name)) continue;  // counted already
      violates |= --left[i] < 0;
    }
    out.push_back(violates);
  }
  return out;
}

const Candidate& best_candidate(std::span<const Candidate> candidates) {
  CHECK(!candidates.empty(), "there is a candidate");
  return *std::ranges::min_element(candidates, {}, [](const Candidate& candidate) { return cost_of(candidate); });
}

std::size_t candidates_wanted(std::size_t nodes, int32_t percentage, int32_t absolute) {
  const std::size_t share = nodes * static_cast<std::size_t>(percentage) / 100;
  return std::min(nodes, std::max(share, static_cast<std::size_t>(absolute)));
}

}  // namespace pintle::scheduler::plugins

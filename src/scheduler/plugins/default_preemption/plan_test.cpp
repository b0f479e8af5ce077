#include "scheduler/plugins/default_preemption/plan.h"

#include <gtest/gtest.h>

namespace pintle::scheduler::plugins {
namespace {

using api::policy_v1::PodDisruptionBudget;

PlacedPodPtr pod(const std::string& name, int32_t priority, int64_t start = 0, const std::string& app = "a") {
  auto made = std::make_shared<Pod>();
  made->metadata.name = made->metadata.uid = name;
  made->metadata.namespace_ = "default";
  made->metadata.labels["app"] = app;
  made->spec.priority = priority;
  if (start != 0) made->status.start_time = api::time_from_unix(start, 0);
  return make_pod_info(made);
}

void check_best(std::vector<Candidate> candidates, std::size_t expected) {
  EXPECT_EQ(&best_candidate(candidates) - candidates.data(), static_cast<std::ptrdiff_t>(expected));
}
Candidate candidate(std::vector<PlacedPodPtr> victims, int64_t violations = 0) { return {"n", std::move(victims), violations}; }

TEST(PreemptionPlan, TheCheapestNode) {
  check_best({candidate({pod("a", 1)}, 1), candidate({pod("b", 100)})}, 1);                         // budgets before all
  check_best({candidate({pod("a", 10)}), candidate({pod("b", 5), pod("c", 5)})}, 1);                // the lowest top priority
  check_best({candidate({pod("a", 10), pod("b", 9)}), candidate({pod("c", 10), pod("d", 1)})}, 1);  // the lowest sum
  check_best({candidate({pod("a", 10), pod("b", 1)}), candidate({pod("c", 10)})}, 1);               // the fewest
  check_best({candidate({pod("a", 10, 100)}), candidate({pod("b", 10, 200)})}, 1);                  // the youngest
  check_best({candidate({pod("a", 10, 100)}), candidate({pod("b", 10, 100)})}, 0);
}

TEST(PreemptionPlan, Importance) {
  EXPECT_TRUE(more_important(*pod("a", 2), *pod("b", 1)));
  EXPECT_TRUE(more_important(*pod("a", 1, 100), *pod("b", 1, 200)));
  EXPECT_TRUE(more_important(*pod("a", 1, 100), *pod("b", 1)));  // not started yet
}

TEST(PreemptionPlan, BudgetsRunOut) {
  auto budget = std::make_shared<PodDisruptionBudget>();
  budget->metadata.namespace_ = "default";
  budget->spec.selector.emplace().match_labels["app"] = "a";
  budget->status.disruptions_allowed = 1;
  budget->status.disrupted_pods["gone"] = api::Time();
  const std::vector<BudgetPtr> budgets = {budget};
  const std::vector<PlacedPodPtr> pods = {pod("gone", 0), pod("first", 0), pod("other", 0, 0, "b"), pod("second", 0)};
  EXPECT_EQ(violates_budget(pods, budgets), (std::vector<bool>{false, false, false, true}));
}

TEST(PreemptionPlan, Enough) {
  EXPECT_EQ(candidates_wanted(10, 10, 100), 10u);
  EXPECT_EQ(candidates_wanted(5000, 10, 100), 500u);
  EXPECT_EQ(candidates_wanted(500, 10, 100), 100u);
}

}  // namespace
}  // namespace pintle::scheduler::plugins

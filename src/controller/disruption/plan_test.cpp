#include "controller/disruption/plan.h"

#include <gtest/gtest.h>

#include "controller/testing/text_objects.h"
#include "rules/conditions.h"

namespace pintle::controller::disruption {
namespace {

using namespace testing;

PodDisruptionBudget budget_of(const std::string& yaml) {
  auto budget = from_yaml<PodDisruptionBudget>(yaml);
  budget.metadata.generation = 3;
  return budget;
}

// "allowed healthy/desired of expected", what is disrupted, and when to look again.
std::string text_of(const Result<Plan>& plan) {
  if (!plan) return "error: " + plan.error().message;
  const auto& status = plan->status;
  Words out;
  out.add(std::to_string(status.disruptions_allowed));
  out.add(std::to_string(status.current_healthy) + "/" + std::to_string(status.desired_healthy));
  out.add("of " + std::to_string(status.expected_pods));
  std::vector<std::string> disrupted;
  for (const auto& [name, since] : status.disrupted_pods) disrupted.push_back(name);
  out.add("disrupted", disrupted);
  out.add_seconds("again", plan->look_again);
  return out.text();
}
void check(const std::string& spec, int32_t expected, const std::string& pods, const std::string& want) {
  const auto budget = budget_of("{spec: " + spec + "}");
  const auto matched = pods_of(pods);
  EXPECT_EQ(text_of(plan_budget({budget, matched, expected, plan_time})), want) << spec << " expected " << expected << " with " << pods;
}

TEST(DisruptionPlan, MinAvailable) {
  check("{minAvailable: 2}", 3, "a ready, b ready, c ready", "1 3/2 of 3");
  check("{minAvailable: 2}", 3, "a ready, b ready, c running", "0 2/2 of 3");
  check("{minAvailable: 2}", 3, "a ready", "0 1/2 of 3");
  check("{minAvailable: 0}", 2, "a ready, b running", "1 1/0 of 2");
  check("{minAvailable: '50%'}", 3, "a ready, b ready, c ready", "1 3/2 of 3");  // rounded up
  check("{minAvailable: '100%'}", 3, "a ready, b ready, c ready", "0 3/3 of 3");
  check("{minAvailable: '0%'}", 3, "a ready, b ready, c ready", "3 3/0 of 3");
  check("{minAvailable: half}", 3, "", "error: invalid value for IntOrString: invalid type: string is not a percentage");
}

TEST(DisruptionPlan, MaxUnavailable) {
  check("{maxUnavailable: 1}", 3, "a ready, b ready, c ready", "1 3/2 of 3");
  check("{maxUnavailable: 1}", 3, "a ready, b ready", "0 2/2 of 3");  // one is missing already
  check("{maxUnavailable: 0}", 3, "a ready, b ready, c ready", "0 3/3 of 3");
  check("{maxUnavailable: '50%'}", 5, "a ready, b ready, c ready, d ready, e ready", "3 5/2 of 5");
  check("{maxUnavailable: 9}", 3, "a ready, b ready", "2 2/0 of 3");
}

TEST(DisruptionPlan, WithoutPodsNothingIsAllowed) {
  check("{maxUnavailable: 1}", 0, "", "0 0/0 of 0");
  check("{}", 0, "", "0 0/0 of 0");
}

TEST(DisruptionPlan, PodsThatDoNotCount) { check("{minAvailable: 1}", 3, "a ready deleted, b succeeded, c ready", "0 1/1 of 3"); }

TEST(DisruptionPlan, AnEvictionThatWasLetThrough) {
  const auto disrupted = [](const std::string& since, const std::string& pods, const std::string& want) {
    const auto budget = budget_of("{spec: {minAvailable: 1}, status: {disruptedPods: {a: '" + since + "'}}}");
    const auto matched = pods_of(pods);
    EXPECT_EQ(text_of(plan_budget({budget, matched, 3, plan_time})), want) << since << " " << pods;
  };
  disrupted(api::format_time(ago(10)), "a ready, b ready, c ready", "1 2/1 of 3 disrupted(a) again(110s)");
  disrupted(api::format_time(ago(120)), "a ready, b ready, c ready", "2 3/1 of 3");  // it is still there: forgotten
  disrupted(api::format_time(ago(10)), "a ready deleted, b ready, c ready", "1 2/1 of 3");
  disrupted(api::format_time(ago(10)), "b ready, c ready", "1 2/1 of 3");
}

TEST(DisruptionPlan, TheConditionSaysWhetherAnyMayGo) {
  const auto check_condition = [](const std::string& spec, const std::string& pods, const std::string& want) {
    const auto budget = budget_of("{spec: " + spec + "}");
    const auto plan = plan_budget({budget, pods_of(pods), 2, plan_time});
    ASSERT_TRUE(plan);
    const auto* condition = rules::find_condition(plan->status.conditions, "DisruptionAllowed");
    ASSERT_TRUE(condition);
    EXPECT_EQ(condition->status + " " + condition->reason, want);
    EXPECT_EQ(condition->observed_generation, 3);
    EXPECT_EQ(plan->status.observed_generation, 3);
  };
  check_condition("{minAvailable: 1}", "a ready, b ready", "True SufficientPods");
  check_condition("{minAvailable: 2}", "a ready, b ready", "False InsufficientPods");
}

TEST(DisruptionPlan, AFailedCountAllowsNothing) {
  auto budget = budget_of("{status: {disruptionsAllowed: 5, currentHealthy: 7}}");
  const auto status = failed_status(budget, "why", plan_time);
  EXPECT_EQ(status.disruptions_allowed, 0);
  EXPECT_EQ(status.current_healthy, 7);
  const auto* condition = rules::find_condition(status.conditions, "DisruptionAllowed");
  ASSERT_TRUE(condition);
  EXPECT_EQ(condition->status + " " + condition->reason + " " + condition->message, "False SyncFailed why");
}

TEST(DisruptionPlan, WhatIsCounted) {
  EXPECT_TRUE(counts_workloads(budget_of("{spec: {maxUnavailable: 1}}")));
  EXPECT_TRUE(counts_workloads(budget_of("{spec: {minAvailable: '50%'}}")));
  EXPECT_FALSE(counts_workloads(budget_of("{spec: {minAvailable: 1}}")));
  EXPECT_EQ(names_of(owned_of(pods_of("a owner=x, b, c owner=y"))), (std::vector<std::string>{"a", "c"}));
  const auto warning =
      unmanaged_message(budget_of("{spec: {selector: {matchLabels: {app: web}, matchExpressions: [{key: k, operator: In, values: [a, b]}]}}}"));
  EXPECT_NE(warning.find("&LabelSelector{MatchLabels:map[string]string{app: web,},MatchExpressions:[]LabelSelectorRequirement{"
                         "LabelSelectorRequirement{Key:k,Operator:In,Values:[a b],},},}"),
            warning.npos)
      << warning;
}

// Seconds until the condition of a pod is stale; `condition`: "STATUS REASON SECONDS_AGO".
void check_stale(const std::string& pod, const std::string& condition, const std::string& want) {
  auto target = pod_of(pod);
  if (const auto words = split(condition, ' '); !words.empty()) {
    auto& there = target.status.conditions.emplace_back();
    there.type = "DisruptionTarget";
    there.status = words[0];
    there.reason = words[1];
    there.last_transition_time = ago(std::stoll(words[2]));
  }
  const auto left = stale_in(target, plan_time);
  EXPECT_EQ(left ? std::to_string(*left / std::chrono::seconds(1)) : "never", want) << pod << " | " << condition;
}

TEST(DisruptionPlan, ADisruptionThatDidNotCome) {
  check_stale("a ready", "True EvictionByEvictionAPI 10", "110");
  check_stale("a ready", "True EvictionByEvictionAPI 120", "0");
  check_stale("a ready", "True PreemptionByScheduler 300", "-180");
  check_stale("a ready", "True TerminationByKubelet 300", "never");
  check_stale("a ready", "False EvictionByEvictionAPI 300", "never");
  check_stale("a ready deleted", "True EvictionByEvictionAPI 300", "never");
  check_stale("a failed", "True EvictionByEvictionAPI 300", "never");
  check_stale("a ready", "", "never");
}

}  // namespace
}  // namespace pintle::controller::disruption

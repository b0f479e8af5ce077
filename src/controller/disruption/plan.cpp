#include "controller/disruption/plan.h"

#include <algorithm>

#include "controller/objects/amount.h"
#include "controller/objects/owner.h"
#include "controller/objects/selector_text.h"
#include "controller/objects/time.h"
#include "rules/conditions.h"
#include "rules/pod_state.h"

namespace pintle::controller::disruption {

namespace {

void set_allowed(PodDisruptionBudgetStatus& status, std::string_view value, std::string_view reason, std::string message, int64_t generation,
                 rt::WallTime now) {
  api::meta_v1::Condition condition;
  condition.type = "DisruptionAllowed";
  condition.status = value;
  condition.reason = reason;
  condition.message = std::move(message);
  condition.observed_generation = generation;
  condition.last_transition_time = apimachinery::to_api_time(now);
  rules::set_condition(status.conditions, std::move(condition));
}

}  // namespace

bool counts_workloads(const PodDisruptionBudget& budget) {
  return budget.spec.max_unavailable || (budget.spec.min_available && budget.spec.min_available->is_string);
}

std::vector<pods::PodPtr> owned_of(const std::vector<pods::PodPtr>& pods) {
  std::vector<pods::PodPtr> out;
  std::ranges::copy_if(pods, std::back_inserter(out), [](const pods::PodPtr& pod) { return rules::controller_of(pod->metadata) != nullptr; });
  return out;
}

std::string unmanaged_message(const PodDisruptionBudget& budget) {
  return "Pods selected by this PodDisruptionBudget (selector: " + objects::selector_text(budget.spec.selector.get()) +
         ") were found to be unmanaged. As a result, the status of the PDB cannot be calculated correctly, which may result in undefined behavior. "
         "To account for these pods please set \".spec.minAvailable\" field of the PDB to an integer value.";
}

Result<Plan> plan_budget(const Observed& seen) {
  Plan plan;
  auto& status = plan.status;
  status = seen.budget.status;
  status.observed_generation = seen.budget.metadata.generation;
  status.expected_pods = seen.expected;
  status.desired_healthy = 0;
  if (seen.budget.spec.max_unavailable) {
    TRY_ASSIGN(const int32_t unavailable, objects::scaled_amount(*seen.budget.spec.max_unavailable, seen.expected, true));
    status.desired_healthy = std::max(0, seen.expected - unavailable);
  } else if (seen.budget.spec.min_available) {
    TRY_ASSIGN(status.desired_healthy, objects::scaled_amount(*seen.budget.spec.min_available, seen.expected, true));
  }
  status.disrupted_pods.clear();
  status.current_healthy = 0;
  for (const pods::PodPtr& pod : seen.pods) {
    if (pods::is_deleted(pod->metadata) || rules::is_terminal(*pod)) continue;
    if (const api::Time* since = seen.budget.status.disrupted_pods.get(pod->metadata.name)) {
      const rt::Duration left = apimachinery::to_wall_time(*since) + disrupted_pod_timeout - seen.now;
      if (left > rt::Duration::zero()) {
        status.disrupted_pods[pod->metadata.name] = *since;
        plan.look_again = std::min(plan.look_again.value_or(left), left);
        continue;
      }
    }
    if (rules::is_ready(*pod)) ++status.current_healthy;
  }
  status.disruptions_allowed = seen.expected <= 0 ? 0 : std::max(0, status.current_healthy - status.desired_healthy);
  const bool allowed = status.disruptions_allowed > 0;
  set_allowed(status, allowed ? "True" : "False", allowed ? "SufficientPods" : "InsufficientPods", "", seen.budget.metadata.generation, seen.now);
  return plan;
}

std::optional<rt::Duration> stale_in(const api::core_v1::Pod& pod, rt::WallTime now) {
  if (pods::is_deleted(pod.metadata) || rules::is_terminal(pod)) return std::nullopt;
  const auto* condition = rules::find_condition(pod.status.conditions, "DisruptionTarget");
  if (condition == nullptr || condition->status != "True" || condition->reason == "TerminationByKubelet") return std::nullopt;
  return apimachinery::to_wall_time(condition->last_transition_time) + stale_disruption_timeout - now;
}

PodDisruptionBudgetStatus failed_status(const PodDisruptionBudget& budget, const std::string& why, rt::WallTime now) {
  PodDisruptionBudgetStatus status = budget.status;
  status.observed_generation = budget.metadata.generation;
  status.disruptions_allowed = 0;
  set_allowed(status, "False", "SyncFailed", why, budget.metadata.generation, now);
  return status;
}

}  // namespace pintle::controller::disruption

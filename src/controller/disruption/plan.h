// How many pods of a PodDisruptionBudget may be evicted. Pure.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "api/gen/policy_v1.h"
#include "base/status.h"
#include "controller/pods/pod_state.h"
#include "rt/clock.h"

namespace pintle::controller::disruption {

using api::policy_v1::PodDisruptionBudget;
using api::policy_v1::PodDisruptionBudgetStatus;

inline constexpr rt::Duration stale_disruption_timeout = std::chrono::minutes(2);
// An eviction that was let through is forgotten after this time if its pod is still there.
inline constexpr rt::Duration disrupted_pod_timeout = std::chrono::minutes(2);

struct Observed {
  const PodDisruptionBudget& budget;
  const std::vector<pods::PodPtr>& pods;  // those that its selector matches
  int32_t expected = 0;                   // pods that their workloads want (or that there are)
  rt::WallTime now;
};
struct Plan {
  PodDisruptionBudgetStatus status;
  std::optional<rt::Duration> look_again;
};
Result<Plan> plan_budget(const Observed& observed);
// Whether `expected` is what the workloads want, not what there is.
bool counts_workloads(const PodDisruptionBudget& budget);
// Those of a workload. The others are no part of what is wanted; they are healthy or not like any pod.
std::vector<pods::PodPtr> owned_of(const std::vector<pods::PodPtr>& pods);
// The warning about the others.
std::string unmanaged_message(const PodDisruptionBudget& budget);
// The status when the count could not be made: nothing may be evicted.
PodDisruptionBudgetStatus failed_status(const PodDisruptionBudget& budget, const std::string& why, rt::WallTime now);

// When the condition DisruptionTarget of a pod that lives on is stale: from its transition, this long. Negative or zero: now; nullopt: it has
// none that goes stale (a kubelet's does not).
std::optional<rt::Duration> stale_in(const api::core_v1::Pod& pod, rt::WallTime now);

}  // namespace pintle::controller::disruption

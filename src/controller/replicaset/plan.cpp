#include "controller/replicaset/plan.h"

#include <algorithm>

#include "controller/objects/time.h"
#include "controller/pods/deletion_rank.h"
#include "rules/conditions.h"

namespace pintle::controller::replicaset {

using api::apps_v1::ReplicaSet;
using api::apps_v1::ReplicaSetCondition;
using api::apps_v1::ReplicaSetStatus;

Plan plan_pods(const ReplicaSet& set, const std::vector<pods::PodPtr>& active, const std::vector<pods::PodPtr>& related, rt::WallTime now) {
  Plan plan;
  const int want = set.spec.replicas.value_or(1);
  const int have = static_cast<int>(active.size());
  if (have < want) {
    plan.create = std::min(want - have, burst_replicas_max);
  } else if (have > want) {
    plan.remove = pods::pods_to_delete(active, static_cast<std::size_t>(std::min(have - want, burst_replicas_max)), related, now);
  }
  return plan;
}

std::vector<double> deletion_age_ratios(const std::vector<pods::PodPtr>& active, const std::vector<pods::PodPtr>& removed, rt::WallTime now) {
  const auto age_ms = [now](const pods::PodPtr& pod) {
    const rt::Duration age = now - apimachinery::to_wall_time(pod->metadata.creation_timestamp);
    return std::max<int64_t>(1, std::chrono::duration_cast<std::chrono::milliseconds>(age).count());
  };
  std::vector<double> out;
  std::optional<int64_t> youngest_ms;
  for (const pods::PodPtr& pod : removed.empty() ? removed : active)
    if (rules::is_ready(*pod)) youngest_ms = std::min(youngest_ms.value_or(age_ms(pod)), age_ms(pod));
  for (const pods::PodPtr& pod : removed)
    if (youngest_ms && rules::is_ready(*pod)) out.push_back(static_cast<double>(age_ms(pod) / *youngest_ms));
  return out;
}

namespace {

bool carries(const FlatMap<std::string>& labels, const FlatMap<std::string>& wanted) {
  return std::ranges::all_of(wanted, [&](const auto& item) {
    const std::string* value = labels.get(item.first);
    return value != nullptr && *value == item.second;
  });
}

void set_failure(ReplicaSetStatus& status, const StatusInput& input) {
  const bool failed = rules::find_condition(status.conditions, "ReplicaFailure") != nullptr;
  if (input.failure && !failed) {
    ReplicaSetCondition condition;
    condition.type = "ReplicaFailure";
    condition.status = "True";
    condition.reason = input.wanted_difference < 0 ? "FailedCreate" : "FailedDelete";
    condition.message = input.failure->message;
    condition.last_transition_time = apimachinery::to_api_time(input.now);
    rules::set_condition(status.conditions, std::move(condition));
  } else if (!input.failure && failed) {
    rules::remove_condition(status.conditions, "ReplicaFailure");
  }
}

}  // namespace

ReplicaSetStatus plan_status(const ReplicaSet& set, const StatusInput& input) {
  ReplicaSetStatus status = set.status;
  status.replicas = static_cast<int32_t>(input.active.size());
  status.fully_labeled_replicas = status.ready_replicas = status.available_replicas = 0;
  for (const pods::PodPtr& pod : input.active) {
    if (carries(pod->metadata.labels, set.spec.template_.metadata.labels)) ++status.fully_labeled_replicas;
    if (!rules::is_ready(*pod)) continue;
    ++status.ready_replicas;
    if (pods::is_available(*pod, set.spec.min_ready_seconds, input.now)) ++status.available_replicas;
  }
  status.terminating_replicas = input.terminating;
  status.observed_generation = set.metadata.generation;
  set_failure(status, input);
  return status;
}

std::optional<rt::Duration> next_availability(const ReplicaSet& set, const std::vector<pods::PodPtr>& active, rt::WallTime now) {
  std::optional<rt::Duration> soonest;
  for (const pods::PodPtr& pod : active)
    if (const auto wait = pods::until_available(*pod, set.spec.min_ready_seconds, now); wait && (!soonest || *wait < *soonest)) soonest = wait;
  return soonest;
}

}  // namespace pintle::controller::replicaset

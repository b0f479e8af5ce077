#include "controller/job/failure.h"

#include <algorithm>

#include "controller/objects/time.h"
#include "rt/far_time.h"

namespace pintle::controller::job {

using api::core_v1::ContainerStatus;
using api::core_v1::Pod;

namespace {

// The failed container that the rule is about; its exit code then says why.
const ContainerStatus* matching_container(const Pod& pod, const api::batch_v1::PodFailurePolicyOnExitCodesRequirement& wanted) {
  const auto matches = [&](const ContainerStatus& status) {
    if (!status.state.terminated || status.state.terminated->exit_code == 0) return false;
    if (wanted.container_name && *wanted.container_name != status.name) return false;
    const bool in = std::ranges::find(wanted.values, status.state.terminated->exit_code) != wanted.values.end();
    return wanted.operator_ == "In" ? in : wanted.operator_ == "NotIn" && !in;
  };
  for (const auto* list : {&pod.status.container_statuses, &pod.status.init_container_statuses})
    for (const ContainerStatus& status : *list)
      if (matches(status)) return &status;
  return nullptr;
}

std::optional<std::string> match(const api::batch_v1::PodFailurePolicyRule& rule, const Pod& pod, std::size_t index) {
  const std::string name = pod.metadata.namespace_ + "/" + pod.metadata.name;
  const std::string at = " matching " + rule.action + " rule at index " + std::to_string(index);
  if (rule.on_exit_codes) {
    const ContainerStatus* status = matching_container(pod, *rule.on_exit_codes);
    if (status == nullptr) return std::nullopt;
    return "Container " + status->name + " for pod " + name + " failed with exit code " + std::to_string(status->state.terminated->exit_code) + at;
  }
  for (const auto& pattern : rule.on_pod_conditions)
    for (const auto& condition : pod.status.conditions)
      if (condition.type == pattern.type && condition.status == pattern.status) return "Pod " + name + " has condition " + condition.type + at;
  return std::nullopt;
}

}  // namespace

std::string_view action_name(FailureAction action) {
  switch (action) {
    case FailureAction::Ignore: return "Ignore";
    case FailureAction::FailIndex: return "FailIndex";
    case FailureAction::FailJob: return "FailJob";
    case FailureAction::Count: break;
  }
  return "Count";
}

FailureVerdict judge_failure(const Job& job, const Pod& pod) {
  if (!job.spec.pod_failure_policy) return {};
  const auto& rules = job.spec.pod_failure_policy->rules;
  for (std::size_t i = 0; i < rules.size(); ++i) {
    auto message = match(rules[i], pod, i);
    if (!message) continue;
    if (rules[i].action == "Ignore") return {FailureAction::Ignore, std::move(*message)};
    if (rules[i].action == "FailIndex") return {FailureAction::FailIndex, std::move(*message)};
    if (rules[i].action == "FailJob") return {FailureAction::FailJob, std::move(*message)};
    return {FailureAction::Count, std::move(*message)};
  }
  return {};
}

bool replaces_failed_only(const Job& job) { return job.spec.pod_failure_policy || job.spec.pod_replacement_policy == "Failed"; }

bool is_failed(const Job& job, const Pod& pod) {
  if (pod.status.phase == "Failed") return true;
  return !replaces_failed_only(job) && pods::is_deleted(pod.metadata) && pod.status.phase != "Succeeded";
}

rt::WallTime finish_time(const Pod& pod, rt::WallTime now) {
  api::Time latest;
  for (const auto& status : pod.status.container_statuses) {
    if (!status.state.terminated || status.state.terminated->finished_at.zero()) {
      latest = {};
      break;
    }
    if (latest.zero() || objects::before(latest, status.state.terminated->finished_at)) latest = status.state.terminated->finished_at;
  }
  if (!latest.zero()) return apimachinery::to_wall_time(latest);
  const auto* ready = rules::ready_condition(pod);
  if (ready != nullptr && ready->status == "False" && !ready->last_transition_time.zero())
    return apimachinery::to_wall_time(ready->last_transition_time);
  // When it was told to go, not when it has to be gone: its grace is no part of the wait.
  if (pod.metadata.deletion_timestamp)
    return std::min(
        now, apimachinery::to_wall_time(*pod.metadata.deletion_timestamp) - rt::seconds_of(pod.metadata.deletion_grace_period_seconds.value_or(0)));
  return apimachinery::to_wall_time(pod.metadata.creation_timestamp);
}

std::optional<rt::Duration> backoff_left(const Job& job, const std::vector<pods::PodPtr>& finished, rt::WallTime now) {
  std::optional<rt::WallTime> last_success, last_failure;
  for (const pods::PodPtr& pod : finished)
    if (pod->status.phase == "Succeeded") last_success = std::max(last_success.value_or(rt::WallTime::min()), finish_time(*pod, now));
  int failures = 0;
  for (const pods::PodPtr& pod : finished) {
    if (!is_failed(job, *pod)) continue;
    const rt::WallTime at = finish_time(*pod, now);
    if (last_success && at <= *last_success) continue;
    ++failures;
    last_failure = std::max(last_failure.value_or(rt::WallTime::min()), at);
  }
  if (failures == 0) return std::nullopt;
  rt::Duration wait = backoff_initial;
  for (int i = 1; i < failures && wait < backoff_max; ++i) wait *= 2;
  wait = std::min(wait, backoff_max);
  const rt::Duration left = *last_failure + wait - now;
  if (left <= rt::Duration::zero()) return std::nullopt;
  return left;
}

}  // namespace pintle::controller::job

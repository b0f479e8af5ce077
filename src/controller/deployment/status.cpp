#include "controller/deployment/status.h"

#include <algorithm>

#include "controller/objects/time.h"
#include "rules/conditions.h"

namespace pintle::controller::deployment {

using api::apps_v1::DeploymentCondition;

bool has_progress_deadline(const Deployment& deployment) {
  return deployment.spec.progress_deadline_seconds && *deployment.spec.progress_deadline_seconds != INT32_MAX;
}

bool is_complete(const Deployment& deployment, const DeploymentStatus& status) {
  const int32_t want = replicas_of(deployment);
  return status.updated_replicas == want && status.replicas == want && status.available_replicas == want &&
         status.observed_generation >= deployment.metadata.generation;
}

namespace {

void put(DeploymentStatus& status, DeploymentCondition condition) {
  rules::remove_condition(status.conditions, condition.type);
  status.conditions.push_back(std::move(condition));
}

DeploymentCondition make_condition(std::string_view type, std::string_view value, std::string_view reason, std::string message, rt::WallTime now) {
  DeploymentCondition condition;
  condition.type = type;
  condition.status = value;
  condition.reason = reason;
  condition.message = std::move(message);
  condition.last_update_time = condition.last_transition_time = apimachinery::to_api_time(now);
  return condition;
}

bool is_progressing(const DeploymentStatus& before, const DeploymentStatus& after) {
  return after.updated_replicas > before.updated_replicas || after.replicas - after.updated_replicas < before.replicas - before.updated_replicas ||
         after.ready_replicas > before.ready_replicas || after.available_replicas > before.available_replicas;
}

rt::WallTime deadline_of(const Deployment& deployment, const DeploymentCondition& progressing) {
  return apimachinery::to_wall_time(progressing.last_update_time) + std::chrono::seconds(deployment.spec.progress_deadline_seconds.value_or(0));
}

bool is_timed_out(const Deployment& deployment, const DeploymentStatus& status, rt::WallTime now) {
  const auto* progressing = rules::find_condition(status.conditions, "Progressing");
  if (progressing == nullptr || progressing->reason == "NewReplicaSetAvailable") return false;
  return progressing->reason == "ProgressDeadlineExceeded" || deadline_of(deployment, *progressing) < now;
}

void set_progressing(const Deployment& deployment, DeploymentStatus& status, const SetPtr& new_set, rt::WallTime now) {
  const auto* current = rules::find_condition(status.conditions, "Progressing");
  const bool completed_before = status.replicas == status.updated_replicas && current != nullptr && current->reason == "NewReplicaSetAvailable";
  if (completed_before) return;
  const std::string what = new_set ? "ReplicaSet \"" + new_set->metadata.name + "\" " : "Deployment \"" + deployment.metadata.name + "\" ";
  if (is_complete(deployment, status)) {
    set_deployment_condition(status, "Progressing", "True", "NewReplicaSetAvailable", what + "has successfully progressed.", now);
  } else if (is_progressing(deployment.status, status)) {
    auto condition = make_condition("Progressing", "True", "ReplicaSetUpdated", what + "is progressing.", now);
    if (current != nullptr && current->status == "True") condition.last_transition_time = current->last_transition_time;
    put(status, std::move(condition));
  } else if (is_timed_out(deployment, status, now)) {
    set_deployment_condition(status, "Progressing", "False", "ProgressDeadlineExceeded", what + "has timed out progressing.", now);
  }
}

// The new set's failure goes before the others'.
void set_failure(DeploymentStatus& status, const Sets& all, const SetPtr& new_set, rt::WallTime now) {
  const api::apps_v1::ReplicaSetCondition* failure = new_set ? rules::find_condition(new_set->status.conditions, "ReplicaFailure") : nullptr;
  for (const SetPtr& set : all)
    if (failure == nullptr) failure = rules::find_condition(set->status.conditions, "ReplicaFailure");
  if (failure == nullptr) return rules::remove_condition(status.conditions, "ReplicaFailure");
  auto condition = make_condition("ReplicaFailure", failure->status, failure->reason, failure->message, now);
  condition.last_transition_time = condition.last_update_time = failure->last_transition_time;
  const auto* current = rules::find_condition(status.conditions, "ReplicaFailure");
  if (current == nullptr || current->status != condition.status || current->reason != condition.reason) put(status, std::move(condition));
}

std::optional<int32_t> terminating_pods(const Sets& sets) {
  int32_t total = 0;
  for (const SetPtr& set : sets) {
    if (set->status.terminating_replicas) {
      total += *set->status.terminating_replicas;
    } else if (set->status.observed_generation != 0) {
      return std::nullopt;
    }
  }
  return total;
}

}  // namespace

void set_deployment_condition(DeploymentStatus& status, std::string_view type, std::string_view value, std::string_view reason, std::string message,
                              rt::WallTime now) {
  auto condition = make_condition(type, value, reason, std::move(message), now);
  if (const auto* current = rules::find_condition(status.conditions, type)) {
    if (current->status == value && current->reason == reason) return;
    if (current->status == value) condition.last_transition_time = current->last_transition_time;
  }
  put(status, std::move(condition));
}

DeploymentStatus count_status(const Deployment& deployment, const DeploymentStatus& base, const Sets& all, const SetPtr& new_set, rt::WallTime now) {
  DeploymentStatus status;
  status.observed_generation = deployment.metadata.generation;
  status.replicas = actual_pods(all);
  status.updated_replicas = new_set ? new_set->status.replicas : 0;
  for (const SetPtr& set : all) status.ready_replicas += set->status.ready_replicas;
  status.available_replicas = available_pods(all);
  status.unavailable_replicas = std::max(0, wanted_pods(all) - status.available_replicas);
  status.terminating_replicas = terminating_pods(all);
  status.collision_count = base.collision_count;
  status.conditions = base.conditions;
  if (status.available_replicas >= replicas_of(deployment) - max_unavailable(deployment)) {
    set_deployment_condition(status, "Available", "True", "MinimumReplicasAvailable", "Deployment has minimum availability.", now);
  } else {
    set_deployment_condition(status, "Available", "False", "MinimumReplicasUnavailable", "Deployment does not have minimum availability.", now);
  }
  return status;
}

DeploymentStatus rollout_status(const Deployment& deployment, const DeploymentStatus& base, const Sets& all, const SetPtr& new_set,
                                rt::WallTime now) {
  DeploymentStatus status = count_status(deployment, base, all, new_set, now);
  if (has_progress_deadline(deployment)) {
    set_progressing(deployment, status, new_set, now);
  } else {
    rules::remove_condition(status.conditions, "Progressing");
  }
  set_failure(status, all, new_set, now);
  return status;
}

std::optional<rt::Duration> until_deadline(const Deployment& deployment, const DeploymentStatus& status, rt::WallTime now) {
  const auto* progressing = rules::find_condition(status.conditions, "Progressing");
  if (!has_progress_deadline(deployment) || progressing == nullptr || deployment.spec.paused) return std::nullopt;
  if (is_complete(deployment, status) || progressing->reason == "ProgressDeadlineExceeded" || progressing->reason == "NewReplicaSetAvailable")
    return std::nullopt;
  constexpr rt::Duration slack = std::chrono::seconds(1);  // times of objects are whole seconds
  return std::max<rt::Duration>(deadline_of(deployment, *progressing) - now, rt::Duration::zero()) + slack;
}

bool note_pause(const Deployment& deployment, DeploymentStatus& status, rt::WallTime now) {
  if (!has_progress_deadline(deployment)) return false;
  const auto* progressing = rules::find_condition(status.conditions, "Progressing");
  if (progressing != nullptr && progressing->reason == "ProgressDeadlineExceeded") return false;
  const bool noted = progressing != nullptr && progressing->reason == "DeploymentPaused";
  if (deployment.spec.paused == noted) return false;
  if (deployment.spec.paused) {
    set_deployment_condition(status, "Progressing", "Unknown", "DeploymentPaused", "Deployment is paused", now);
  } else {
    set_deployment_condition(status, "Progressing", "Unknown", "DeploymentResumed", "Deployment is resumed", now);
  }
  return true;
}

}  // namespace pintle::controller::deployment

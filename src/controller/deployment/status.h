// A Deployment's status and conditions. Pure.
#pragma once

#include <optional>
#include <string>

#include "controller/deployment/replica_sets.h"
#include "rt/clock.h"

namespace pintle::controller::deployment {

using api::apps_v1::DeploymentStatus;

bool has_progress_deadline(const Deployment& deployment);  // INT32_MAX says none
// All pods are of the newest template, available, and no more than wanted.
bool is_complete(const Deployment& deployment, const DeploymentStatus& status);

// Sets Progressing or another condition; nothing changes while status and reason stay.
void set_deployment_condition(DeploymentStatus& status, std::string_view type, std::string_view value, std::string_view reason, std::string message,
                              rt::WallTime now);

// The counts and Available. `conditions` and `collision_count` go on from `base`.
DeploymentStatus count_status(const Deployment& deployment, const DeploymentStatus& base, const Sets& all, const SetPtr& new_set, rt::WallTime now);
// The whole status in a rollout: counts, Available, Progressing and ReplicaFailure.
DeploymentStatus rollout_status(const Deployment& deployment, const DeploymentStatus& base, const Sets& all, const SetPtr& new_set, rt::WallTime now);
// When to look again whether the progress deadline has passed; nullopt: never, as things stand.
std::optional<rt::Duration> until_deadline(const Deployment& deployment, const DeploymentStatus& status, rt::WallTime now);
// Progressing says that the Deployment is paused, or goes on; true if it changed.
bool note_pause(const Deployment& deployment, DeploymentStatus& status, rt::WallTime now);

}  // namespace pintle::controller::deployment

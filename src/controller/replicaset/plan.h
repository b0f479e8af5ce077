// What a ReplicaSet needs: pods to make, pods to delete, and its status. Pure.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "api/gen/apps_v1.h"
#include "base/status.h"
#include "controller/pods/pod_state.h"

namespace pintle::controller::replicaset {

// Pods made or deleted in one round at most; the next round goes on.
inline constexpr int burst_replicas_max = 500;

struct Plan {
  int create = 0;
  std::vector<pods::PodPtr> remove;
};
// `active`: the set's active pods. `related`: active pods of every ReplicaSet with the same controller as this one (its
// Deployment), for the spread over nodes.
Plan plan_pods(const api::apps_v1::ReplicaSet& set, const std::vector<pods::PodPtr>& active, const std::vector<pods::PodPtr>& related,
               rt::WallTime now);

// The ages of the ready ones of `removed`, each as a multiple of the youngest ready pod's among `active`, in whole numbers as upstream tells them.
std::vector<double> deletion_age_ratios(const std::vector<pods::PodPtr>& active, const std::vector<pods::PodPtr>& removed, rt::WallTime now);

struct StatusInput {
  const std::vector<pods::PodPtr>& active;
  int terminating = 0;
  std::optional<Status> failure;  // of this round
  int wanted_difference = 0;      // active pods less wanted ones, before this round
  rt::WallTime now;
};
api::apps_v1::ReplicaSetStatus plan_status(const api::apps_v1::ReplicaSet& set, const StatusInput& input);

// When the next ready pod becomes available; nullopt: none will by time alone.
std::optional<rt::Duration> next_availability(const api::apps_v1::ReplicaSet& set, const std::vector<pods::PodPtr>& active, rt::WallTime now);

}  // namespace pintle::controller::replicaset

// What a Job needs: pods to make and to delete, pods that are counted and may go, and its status. Pure.
// A finished pod is counted once and never lost: its uid is first stored in status.uncountedTerminatedPods (the index of a
// succeeded one in completedIndexes), then its finalizer is taken off, then the uid moves into the counters.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "api/gen/batch_v1.h"
#include "controller/job/failure.h"
#include "controller/job/indexes.h"
#include "controller/pods/pod_state.h"

namespace pintle::controller::job {

using api::batch_v1::JobStatus;

inline constexpr std::string_view tracking_finalizer = "batch.kubernetes.io/job-tracking";
inline constexpr std::string_view index_failure_count_annotation = "batch.kubernetes.io/job-index-failure-count";
inline constexpr std::string_view index_ignored_failure_count_annotation = "batch.kubernetes.io/job-index-ignored-failure-count";
inline constexpr int pods_max = 500;               // made or deleted in one round
inline constexpr std::size_t uncounted_max = 500;  // finished pods taken up in one round

struct NewPod {
  std::optional<int32_t> index;
  int32_t failures = 0;  // of that index before it
  int32_t ignored_failures = 0;
};

struct JobEvent {
  bool warning = false;
  std::string reason;
  std::string message;
};

struct Plan {
  std::vector<pods::PodPtr> remove;
  bool remove_uncounted = false;  // they lose the finalizer first: nothing has failed
  std::vector<NewPod> create;
  JobStatus status;                   // as it is when all of the above succeeds
  std::vector<pods::PodPtr> release;  // after the status is stored: take the finalizer off
  std::vector<JobEvent> events;       // after the status is stored
  std::optional<rt::Duration> look_again;
  std::map<std::string_view, int> judged;  // failed pods that this round took up, by the action of the rule that matched
};

struct Observed {
  const Job& job;
  const std::vector<pods::PodPtr>& pods;  // those it controls
  const std::set<std::string>& removed;   // uids of those that the controller has taken out of the count and told to go
  rt::WallTime now;
};

Plan plan_job(const Observed& observed);

bool is_finished_job(const Job& job);  // Complete or Failed
bool is_suspended(const Job& job);
bool is_indexed(const Job& job);
bool has_tracking_finalizer(const api::core_v1::Pod& pod);
// The pod to be made.
api::core_v1::Pod make_pod(const Job& job, const NewPod& wanted);
// A strategic merge patch that takes the finalizer off this very pod.
std::string release_patch_for(const api::core_v1::Pod& pod);

}  // namespace pintle::controller::job

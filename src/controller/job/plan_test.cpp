#include "controller/job/plan.h"

#include <gtest/gtest.h>

#include "controller/objects/time.h"

namespace pintle::controller::job {
namespace {

constexpr rt::WallTime now{std::chrono::seconds(1'000'000)};

// Two indexes, each of which may fail once more, unless its container ends with 1.
Job job_by_index() {
  Job job;
  job.metadata.name = "job";
  job.spec.completions = job.spec.parallelism = 2;
  job.spec.completion_mode = "Indexed";
  job.spec.backoff_limit = 6;
  job.spec.backoff_limit_per_index = 1;
  auto& rule = job.spec.pod_failure_policy.ensure().rules.emplace_back();
  rule.action = "FailIndex";
  rule.on_exit_codes.ensure().operator_ = "In";
  rule.on_exit_codes->values = {1};
  return job;
}

pods::PodPtr failed_pod(int32_t index, int32_t exit_code) {
  auto pod = std::make_shared<api::core_v1::Pod>();
  pod->metadata.name = pod->metadata.uid = "pod-" + std::to_string(index);
  pod->metadata.finalizers.emplace_back(tracking_finalizer);
  pod->metadata.annotations[std::string(index_annotation)] = std::to_string(index);
  pod->status.phase = "Failed";
  auto& container = pod->status.container_statuses.emplace_back();
  container.name = "c";
  auto& ended = container.state.terminated.ensure();
  ended.exit_code = exit_code;
  ended.finished_at = apimachinery::to_api_time(now - std::chrono::hours(1));
  return pod;
}

void check_failed(int32_t exit_code, const char* failed_indexes, std::size_t created, std::size_t released) {
  const Job job = job_by_index();
  const std::vector<pods::PodPtr> pods{failed_pod(1, exit_code)};
  const Plan plan = plan_job({job, pods, {}, now});
  EXPECT_EQ(plan.status.failed_indexes.value_or("none"), failed_indexes);
  EXPECT_EQ(plan.create.size(), created);
  EXPECT_EQ(plan.release.size(), released);
  EXPECT_EQ(plan.judged, exit_code == 1 ? (std::map<std::string_view, int>{{"FailIndex", 1}}) : (std::map<std::string_view, int>{}));
}

TEST(JobPlan, AnIndexThatItsPolicyFailsIsNotTriedAgain) {
  check_failed(1, "1", 1, 1);  // index 0 alone is made
  check_failed(2, "", 2, 0);   // within the limit: again, and its pod stays until the next one carries its count on
}

// A Job of two pods at once; one of them, "a", was told to go ten seconds ago, and has lost the finalizer.
void check_going(bool removed_by_itself, bool by_index, std::size_t created, bool waits) {
  Job job;
  job.metadata.name = "job";
  job.spec.parallelism = job.spec.completions = 1;
  job.spec.backoff_limit = 6;
  if (by_index) {
    job.spec.completion_mode = "Indexed";
    job.spec.backoff_limit_per_index = 1;
  }
  auto pod = std::make_shared<api::core_v1::Pod>();
  pod->metadata.name = pod->metadata.uid = "a";
  pod->metadata.annotations[std::string(index_annotation)] = "0";
  pod->metadata.deletion_timestamp = apimachinery::to_api_time(now);
  pod->status.phase = "Running";
  const std::vector<pods::PodPtr> pods{pod};
  const std::set<std::string> removed = removed_by_itself ? std::set<std::string>{"a"} : std::set<std::string>();
  const Plan plan = plan_job({job, pods, removed, now});
  EXPECT_EQ(plan.create.size(), created) << removed_by_itself << by_index;
  EXPECT_EQ(plan.look_again.has_value(), waits) << removed_by_itself << by_index;
  EXPECT_EQ(plan.status.failed, 0);
}

TEST(JobPlan, WhatAJobRemovesItselfDoesNotMakeItWait) {
  check_going(true, false, 1, false);
  check_going(true, true, 1, false);
  check_going(false, false, 0, true);
  check_going(false, true, 0, true);
}

// A pod told to go so many seconds ago, with such a grace; when the next one is made, in seconds from now (0: now).
void check_wait(int64_t told, int64_t grace, int64_t wait) {
  Job job;
  job.metadata.name = "job";
  job.spec.parallelism = job.spec.completions = 1;
  auto pod = std::make_shared<api::core_v1::Pod>();
  pod->metadata.name = pod->metadata.uid = "a";
  pod->metadata.finalizers.emplace_back(tracking_finalizer);
  pod->metadata.creation_timestamp = apimachinery::to_api_time(now - std::chrono::hours(1));
  pod->metadata.deletion_timestamp = apimachinery::to_api_time(now - std::chrono::seconds(told - grace));
  pod->metadata.deletion_grace_period_seconds = grace;
  pod->status.phase = "Running";
  const std::vector<pods::PodPtr> pods{pod};
  const Plan plan = plan_job({job, pods, {}, now});
  EXPECT_EQ(plan.look_again ? *plan.look_again / std::chrono::seconds(1) : 0, wait) << told << " of " << grace;
  EXPECT_EQ(plan.create.size(), wait == 0 ? 1u : 0u) << told << " of " << grace;
}

TEST(JobPlan, AReplacementDoesNotWaitForTheWholeGrace) {
  check_wait(0, 0, 10);
  check_wait(0, 30, 10);
  check_wait(4, 600, 6);
  check_wait(11, 600, 0);
  check_wait(40, 30, 0);
}

}  // namespace
}  // namespace pintle::controller::job

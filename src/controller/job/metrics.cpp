#include "controller/job/metrics.h"

#include "rt/seconds.h"
#include "rules/conditions.h"
#include "rules/pod_state.h"

namespace pintle::controller::job {

namespace {

constexpr auto sync_bounds = growing_bounds<15>(0.004, 2);  // seconds

std::string mode_of(const Job& job) { return is_indexed(job) ? "Indexed" : "NonIndexed"; }

bool is_tracked_to_the_end(const api::core_v1::Pod* pod) { return pod != nullptr && rules::is_terminal(*pod) && has_tracking_finalizer(*pod); }

uint64_t growth(int32_t before, int32_t after) { return after > before ? static_cast<uint64_t>(after - before) : 0; }

int32_t indexes_in(const Job& job, const std::string& text) { return IndexSet::parse(text, job.spec.completions.value_or(0)).count(); }

}  // namespace

Metrics::Metrics(Families& families)
    : syncs_(families.counters("job_controller_job_syncs_total", "Rounds over Jobs.", {"completion_mode", "result", "action"})),
      sync_duration_(families.histograms("job_controller_job_sync_duration_seconds", "Time that a round over a Job took.", sync_bounds,
                                         {"completion_mode", "result", "action"})),
      finished_(families.counters("job_controller_jobs_finished_total", "Jobs that ended.", {"completion_mode", "result", "reason"})),
      pods_finished_(families.counters("job_controller_job_pods_finished_total", "Pods that ended and are counted.", {"completion_mode", "result"})),
      indexes_finished_(families.counters("job_controller_job_finished_indexes_total", "Indexes that ended.", {"status", "backoffLimit"})),
      failures_(families.counters("job_controller_pod_failures_handled_by_failure_policy_total", "Failed pods that a rule of their Job judged.",
                                  {"action"})),
      tracked_(families.counters("job_controller_terminated_pods_tracking_finalizer_total", "Ended pods that got or lost their Job's finalizer.",
                                 {"event"})),
      creations_(families.counters("job_controller_job_pods_creation_total", "Pods that Jobs asked for.", {"reason", "status"})) {}

void Metrics::synced(const Job& job, bool worked, std::string_view action, rt::Duration took) {
  const std::vector<std::string> labels = {mode_of(job), worked ? "success" : "error", std::string(action)};
  syncs_.with(labels).add();
  sync_duration_.with(labels).observe(rt::seconds(took));
}

void Metrics::status_changed(const Job& job, const JobStatus& before, const JobStatus& after) {
  const std::string mode = mode_of(job);
  pods_finished_.with({mode, "succeeded"}).add(growth(before.succeeded, after.succeeded));
  pods_finished_.with({mode, "failed"}).add(growth(before.failed, after.failed));
  if (is_indexed(job)) {
    const std::string limit = job.spec.backoff_limit_per_index ? "perIndex" : "global";
    indexes_finished_.with({"succeeded", limit}).add(growth(indexes_in(job, before.completed_indexes), indexes_in(job, after.completed_indexes)));
    const int32_t failed_before = indexes_in(job, before.failed_indexes.value_or("")),
                  failed_after = indexes_in(job, after.failed_indexes.value_or(""));
    if (failed_after > failed_before) indexes_finished_.with({"failed", limit}).add(growth(failed_before, failed_after));
  }
  for (const auto& [type, result] : {std::pair("Complete", "succeeded"), std::pair("Failed", "failed")}) {
    const auto* end = rules::find_condition(after.conditions, type);
    if (end != nullptr && end->status == "True" && !rules::condition_is(before.conditions, type, "True"))
      finished_.with({mode, result, end->reason}).add();
  }
}

void Metrics::pods_made(const Job& job, const Plan& plan, int worked, int failed) {
  const bool after_failures =
      plan.status.failed > 0 || (plan.status.uncounted_terminated_pods && !plan.status.uncounted_terminated_pods->failed.empty());
  std::string reason = "new";
  if (job.spec.pod_replacement_policy.value_or("TerminatingOrFailed") == "Failed" && after_failures) {
    reason = "recreate_failed";
  } else if (after_failures || plan.status.terminating.value_or(0) > 0) {
    reason = "recreate_terminating_or_failed";
  }
  if (worked > 0) creations_.with({reason, "succeeded"}).add(static_cast<uint64_t>(worked));
  if (failed > 0) creations_.with({reason, "failed"}).add(static_cast<uint64_t>(failed));
}

void Metrics::failures_judged(const Plan& plan) {
  for (const auto& [action, count] : plan.judged) failures_.with({std::string(action)}).add(static_cast<uint64_t>(count));
}

void Metrics::pod_changed(const api::core_v1::Pod* before, const api::core_v1::Pod* after) {
  const bool was = is_tracked_to_the_end(before), is = is_tracked_to_the_end(after);
  if (was != is) tracked_.with({is ? "add" : "delete"}).add();
}

}  // namespace pintle::controller::job

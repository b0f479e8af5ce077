#include "controller/job/plan.h"

#include <algorithm>
#include <charconv>
#include <map>
#include <set>
#include <tuple>

#include "controller/objects/time.h"
#include "rt/far_time.h"
#include "rules/conditions.h"
#include "rules/pod_state.h"

namespace pintle::controller::job {

using api::batch_v1::JobCondition;
using api::core_v1::Pod;

namespace {

int32_t annotated(const Pod& pod, std::string_view annotation) {
  const std::string* text = pod.metadata.annotations.get(annotation);
  int32_t value = 0;
  if (text != nullptr) std::from_chars(text->data(), text->data() + text->size(), value);
  return value;
}

JobCondition make_condition(std::string_view type, std::string_view status, std::string_view reason, std::string message, rt::WallTime now) {
  JobCondition condition;
  condition.type = type;
  condition.status = status;
  condition.reason = reason;
  condition.message = std::move(message);
  condition.last_probe_time = condition.last_transition_time = apimachinery::to_api_time(now);
  return condition;
}

// Failures of one index so far, as its newest pods tell.
struct IndexHistory {
  pods::PodPtr newest_failed;
  int32_t failures = 0;
  int32_t ignored = 0;
};

class Round {
 public:
  explicit Round(const Observed& seen) : seen_(seen), job_(seen.job), status_(seen.job.status), completions_(job_.spec.completions.value_or(0)) {}
  Plan run();

 private:
  void sort_pods();
  void flush_counted();
  void take_up_finished();
  void count_failed(const pods::PodPtr& pod);
  void gather_index_history();
  std::optional<JobCondition> verdict();
  std::optional<JobCondition> failure_verdict();
  std::optional<JobCondition> success_verdict();
  void end(JobCondition interim);
  void manage();
  bool note_suspension();
  void remove_surplus(int32_t at_least);
  void create(int32_t count);
  std::vector<NewPod> new_indexes(int32_t count, std::optional<rt::Duration>& wait);
  bool keeps_history(const Pod& pod) const;
  // What goes because the Job wanted fewer is no failure, neither for the count nor for the time until the next pod.
  bool has_failed(const Pod& pod) const { return is_failed(job_, pod) && (rules::is_terminal(pod) || !seen_.removed.contains(pod.metadata.uid)); }
  void look_again(rt::Duration wait) { plan_.look_again = std::min(plan_.look_again.value_or(wait), wait); }
  bool is_uncounted(const std::string& uid) const { return uncounted_.contains(uid); }
  int32_t failed() const { return status_.failed + static_cast<int32_t>(status_.uncounted_terminated_pods->failed.size()); }
  int32_t succeeded() const {
    return is_indexed(job_) ? completed_.count() : status_.succeeded + static_cast<int32_t>(status_.uncounted_terminated_pods->succeeded.size());
  }

  const Observed& seen_;
  const Job& job_;
  JobStatus status_;
  const int32_t completions_;
  Plan plan_;
  std::vector<pods::PodPtr> active_, terminating_, finished_;
  std::set<std::string> uncounted_;  // uids in the status' lists
  IndexSet completed_, failed_indexes_;
  std::map<int32_t, IndexHistory> history_;  // with backoffLimitPerIndex
  std::optional<std::string> fail_job_;      // the message of a FailJob rule
  bool more_finished_ = false;               // some finished pods wait for the next round
};

void Round::sort_pods() {
  for (const pods::PodPtr& pod : seen_.pods) {
    if (rules::is_terminal(*pod)) {
      finished_.push_back(pod);
    } else if (pods::is_deleted(pod->metadata)) {
      terminating_.push_back(pod);
      if (has_failed(*pod)) finished_.push_back(pod);
    } else {
      active_.push_back(pod);
    }
  }
  if (!status_.uncounted_terminated_pods) status_.uncounted_terminated_pods.emplace();
  if (is_indexed(job_)) {
    completed_ = IndexSet::parse(status_.completed_indexes, completions_);
    failed_indexes_ = IndexSet::parse(status_.failed_indexes.value_or(""), completions_);
  }
}

// Uids whose pods have lost the finalizer (or are gone) become numbers.
void Round::flush_counted() {
  std::set<std::string> held;
  for (const pods::PodPtr& pod : seen_.pods)
    if (has_tracking_finalizer(*pod)) held.insert(pod->metadata.uid);
  auto& lists = *status_.uncounted_terminated_pods;
  for (auto [list, counter] : {std::pair(&lists.succeeded, &status_.succeeded), std::pair(&lists.failed, &status_.failed)}) {
    *counter += static_cast<int32_t>(std::erase_if(*list, [&](const std::string& uid) { return !held.contains(uid); }));
    uncounted_.insert(list->begin(), list->end());
  }
}

void Round::gather_index_history() {
  if (!job_.spec.backoff_limit_per_index) return;
  for (const pods::PodPtr& pod : seen_.pods) {
    const auto index = completion_index(*pod);
    if (!index || *index >= completions_) continue;
    IndexHistory& history = history_[*index];
    int32_t failures = annotated(*pod, index_failure_count_annotation), ignored = annotated(*pod, index_ignored_failure_count_annotation);
    if (has_failed(*pod)) {
      const FailureAction action = judge_failure(job_, *pod).action;
      (action == FailureAction::Ignore ? ignored : failures) += 1;
      if (action == FailureAction::FailIndex && !completed_.contains(*index)) failed_indexes_.add(*index);
      if (history.newest_failed == nullptr || finish_time(*history.newest_failed, seen_.now) < finish_time(*pod, seen_.now))
        history.newest_failed = pod;
    }
    history.failures = std::max(history.failures, failures);
    history.ignored = std::max(history.ignored, ignored);
  }
  for (const auto& [index, history] : history_)
    if (history.failures > *job_.spec.backoff_limit_per_index && !completed_.contains(index)) failed_indexes_.add(index);
}

// With limits for each index, a failed pod stays until the one after it carries its count on.
bool Round::keeps_history(const Pod& pod) const {
  if (!job_.spec.backoff_limit_per_index) return false;
  const auto index = completion_index(pod);
  if (!index || completed_.contains(*index) || failed_indexes_.contains(*index)) return false;
  const int32_t mine = annotated(pod, index_failure_count_annotation) + annotated(pod, index_ignored_failure_count_annotation);
  return std::ranges::none_of(seen_.pods, [&](const pods::PodPtr& other) {
    return completion_index(*other) == index &&
           annotated(*other, index_failure_count_annotation) + annotated(*other, index_ignored_failure_count_annotation) > mine;
  });
}

void Round::count_failed(const pods::PodPtr& pod) {
  const FailureVerdict failure = judge_failure(job_, *pod);
  if (!failure.message.empty()) ++plan_.judged[action_name(failure.action)];
  if (failure.action == FailureAction::FailJob && !fail_job_) fail_job_ = failure.message;
  if (failure.action != FailureAction::Ignore) status_.uncounted_terminated_pods->failed.push_back(pod->metadata.uid);
}

void Round::take_up_finished() {
  std::size_t taken = 0;
  for (const pods::PodPtr& pod : finished_) {
    if (!has_tracking_finalizer(*pod)) continue;
    if (is_uncounted(pod->metadata.uid)) {
      plan_.release.push_back(pod);
      continue;
    }
    if (taken == uncounted_max) {
      more_finished_ = true;
      continue;
    }
    ++taken;
    const auto index = completion_index(*pod);
    if (pod->status.phase == "Succeeded") {
      if (!is_indexed(job_)) {
        status_.uncounted_terminated_pods->succeeded.push_back(pod->metadata.uid);
      } else if (index && *index < completions_) {
        completed_.add(*index);
      }
      plan_.release.push_back(pod);
    } else if (!keeps_history(*pod) || judge_failure(job_, *pod).action == FailureAction::FailJob) {
      count_failed(pod);
      plan_.release.push_back(pod);
    }
  }
}

std::optional<JobCondition> Round::failure_verdict() {
  const auto fail = [&](std::string_view reason, std::string message) {
    return make_condition("FailureTarget", "True", reason, std::move(message), seen_.now);
  };
  if (fail_job_) return fail("PodFailurePolicy", *fail_job_);
  const int32_t limit = job_.spec.backoff_limit.value_or(6);
  int64_t restarts = 0;
  if (job_.spec.template_.spec.restart_policy == "OnFailure")
    for (const pods::PodPtr& pod : seen_.pods)
      if (pod->status.phase == "Running" || pod->status.phase == "Pending")
        for (const auto* list : {&pod->status.init_container_statuses, &pod->status.container_statuses})
          for (const auto& status : *list) restarts += status.restart_count;
  const bool restarted_too_often = job_.spec.template_.spec.restart_policy == "OnFailure" && (limit == 0 ? restarts > 0 : restarts >= limit);
  if (failed() > limit || restarted_too_often) return fail("BackoffLimitExceeded", "Job has reached the specified backoff limit");
  if (job_.spec.active_deadline_seconds && status_.start_time && !is_suspended(job_)) {
    const rt::Duration left = apimachinery::to_wall_time(*status_.start_time) + rt::seconds_of(*job_.spec.active_deadline_seconds) - seen_.now;
    if (left <= rt::Duration::zero()) return fail("DeadlineExceeded", "Job was active longer than specified deadline");
    look_again(left);
  }
  if (is_indexed(job_) && job_.spec.backoff_limit_per_index) {
    if (job_.spec.max_failed_indexes && failed_indexes_.count() > *job_.spec.max_failed_indexes)
      return fail("MaxFailedIndexesExceeded", "Job has exceeded the specified maximal number of failed indexes");
    if (failed_indexes_.count() > 0 && failed_indexes_.count() + completed_.count() >= completions_)
      return fail("FailedIndexes", "Job has failed indexes");
  }
  return std::nullopt;
}

std::optional<JobCondition> Round::success_verdict() {
  const auto succeed = [&](std::string_view reason, std::string message) {
    return make_condition("SuccessCriteriaMet", "True", reason, std::move(message), seen_.now);
  };
  if (is_indexed(job_) && job_.spec.success_policy && completed_.count() > 0) {
    const auto& rules = job_.spec.success_policy->rules;
    for (std::size_t i = 0; i < rules.size(); ++i) {
      bool met = false;
      if (rules[i].succeeded_indexes) {
        const IndexSet wanted = IndexSet::parse(*rules[i].succeeded_indexes, completions_);
        const int32_t have = completed_.count_common(wanted);
        met = wanted.count() > 0 && (have == wanted.count() || (rules[i].succeeded_count && have >= *rules[i].succeeded_count));
      } else {
        met = rules[i].succeeded_count && completed_.count() >= *rules[i].succeeded_count;
      }
      if (met) return succeed("SuccessPolicy", "Matched rules at index " + std::to_string(i));
    }
  }
  const bool complete = job_.spec.completions ? succeeded() >= *job_.spec.completions : succeeded() > 0 && active_.empty();
  if (complete) return succeed("CompletionsReached", "Reached expected number of succeeded pods");
  return std::nullopt;
}

// What was decided before stands.
std::optional<JobCondition> Round::verdict() {
  for (const std::string_view type : {"SuccessCriteriaMet", "FailureTarget"})
    if (const auto* there = rules::find_condition(status_.conditions, type); there != nullptr && there->status == "True") return *there;
  if (auto failure = failure_verdict()) return failure;
  return success_verdict();
}

// First the interim condition, then the end of every pod, then the last word.
void Round::end(JobCondition interim) {
  if (rules::find_condition(status_.conditions, interim.type) == nullptr) status_.conditions.push_back(interim);
  for (const pods::PodPtr& pod : active_) plan_.remove.push_back(pod);
  for (const pods::PodPtr& pod : finished_)  // those kept for their index' history
    if (has_tracking_finalizer(*pod) && !is_uncounted(pod->metadata.uid) && std::ranges::find(plan_.release, pod) == plan_.release.end() &&
        !more_finished_) {
      count_failed(pod);
      plan_.release.push_back(pod);
    }
  const auto& lists = *status_.uncounted_terminated_pods;
  const bool counted = lists.succeeded.empty() && lists.failed.empty() && !more_finished_ &&
                       std::ranges::none_of(seen_.pods, [](const pods::PodPtr& pod) { return has_tracking_finalizer(*pod); });
  if (!active_.empty() || !terminating_.empty() || !counted) return;
  const bool success = interim.type == "SuccessCriteriaMet";
  status_.conditions.push_back(make_condition(success ? "Complete" : "Failed", "True", interim.reason, interim.message, seen_.now));
  if (success) {
    status_.completion_time = apimachinery::to_api_time(seen_.now);
    if (job_.spec.completions && succeeded() > *job_.spec.completions && !is_indexed(job_))
      plan_.events.push_back({true, "TooManySucceededPods", "Too many succeeded pods running after completion count reached"});
    plan_.events.push_back({false, "Completed", "Job completed"});
  } else {
    plan_.events.push_back({true, interim.reason, interim.message});
  }
}

// True: the Job is suspended.
bool Round::note_suspension() {
  const bool suspended = is_suspended(job_);
  const auto* there = rules::find_condition(status_.conditions, "Suspended");
  if (suspended && (there == nullptr || there->status != "True")) {
    rules::set_condition(status_.conditions, make_condition("Suspended", "True", "JobSuspended", "Job suspended", seen_.now));
    status_.start_time.reset();
    plan_.events.push_back({false, "Suspended", "Job suspended"});
  } else if (!suspended && there != nullptr && there->status == "True") {
    rules::set_condition(status_.conditions, make_condition("Suspended", "False", "JobResumed", "Job resumed", seen_.now));
    status_.start_time = apimachinery::to_api_time(seen_.now);
    plan_.events.push_back({false, "Resumed", "Job resumed"});
  }
  return suspended;
}

// Pods of an index that another has, or that is not wanted, go whatever the numbers say; then the least ready.
void Round::remove_surplus(int32_t at_least) {
  std::vector<pods::PodPtr> rest;
  if (is_indexed(job_)) {
    std::set<int32_t> taken;
    for (const pods::PodPtr& pod : active_) {
      const auto index = completion_index(*pod);
      if (!index || *index >= completions_ || completed_.contains(*index) || failed_indexes_.contains(*index) || !taken.insert(*index).second) {
        if (static_cast<int>(plan_.remove.size()) < pods_max) plan_.remove.push_back(pod);
      } else {
        rest.push_back(pod);
      }
    }
  } else {
    rest = active_;
  }
  std::ranges::stable_sort(rest, [](const pods::PodPtr& a, const pods::PodPtr& b) {
    const auto rank = [](const Pod& pod) { return std::tuple(!pod.spec.node_name.empty(), pod.status.phase == "Running", rules::is_ready(pod)); };
    const auto left = rank(*a), right = rank(*b);
    return left == right ? objects::before(b->metadata.creation_timestamp, a->metadata.creation_timestamp) : left < right;
  });
  for (const pods::PodPtr& pod : rest) {
    if (static_cast<int32_t>(plan_.remove.size()) >= at_least || static_cast<int>(plan_.remove.size()) == pods_max) break;
    plan_.remove.push_back(pod);
  }
}

std::vector<NewPod> Round::new_indexes(int32_t count, std::optional<rt::Duration>& wait) {
  IndexSet taken = completed_;
  taken.add_all(failed_indexes_);
  for (const pods::PodPtr& pod : active_)
    if (const auto index = completion_index(*pod)) taken.add(*index);
  if (replaces_failed_only(job_))
    for (const pods::PodPtr& pod : terminating_)
      if (const auto index = completion_index(*pod)) taken.add(*index);
  std::vector<NewPod> out;
  for (int32_t i = 0; i < completions_ && static_cast<int32_t>(out.size()) < count; ++i) {
    if (taken.contains(i)) continue;
    NewPod pod{i};
    if (auto it = history_.find(i); it != history_.end() && it->second.newest_failed != nullptr) {
      pod.failures = it->second.failures;
      pod.ignored_failures = it->second.ignored;
      const auto left = backoff_left(job_, {it->second.newest_failed}, seen_.now);
      rt::Duration delay = backoff_initial;
      for (int n = 1; n < pod.failures + pod.ignored_failures && delay < backoff_max; ++n) delay *= 2;
      const rt::Duration rest = finish_time(*it->second.newest_failed, seen_.now) + std::min(delay, backoff_max) - seen_.now;
      if (left || rest > rt::Duration::zero()) {
        wait = std::min(wait.value_or(rest), rest);
        continue;
      }
    }
    out.push_back(pod);
  }
  return out;
}

void Round::create(int32_t count) {
  count = std::min(count, pods_max);
  std::optional<rt::Duration> wait;
  if (!job_.spec.backoff_limit_per_index) {
    wait = backoff_left(job_, finished_, seen_.now);
    if (wait) return look_again(*wait);
  }
  if (is_indexed(job_)) {
    plan_.create = new_indexes(count, wait);
    if (wait) look_again(*wait);
  } else {
    plan_.create.resize(static_cast<std::size_t>(count));
  }
}

void Round::manage() {
  plan_.remove_uncounted = true;
  if (note_suspension()) {
    for (const pods::PodPtr& pod : active_) plan_.remove.push_back(pod);
    return;
  }
  const int32_t active = static_cast<int32_t>(active_.size()), parallelism = job_.spec.parallelism.value_or(1);
  int32_t want = parallelism;
  if (job_.spec.completions) {
    want = std::clamp(*job_.spec.completions - succeeded(), 0, parallelism);
  } else if (succeeded() > 0) {
    want = active;
  }
  remove_surplus(std::max(0, active - want));
  if (!plan_.remove.empty()) return;  // one or the other: the numbers change with each
  const int32_t waiting = replaces_failed_only(job_) ? static_cast<int32_t>(terminating_.size()) : 0;
  if (const int32_t missing = want - waiting - active; missing > 0) create(missing);
}

Plan Round::run() {
  sort_pods();
  flush_counted();
  gather_index_history();
  take_up_finished();
  if (!status_.start_time && !is_suspended(job_)) status_.start_time = apimachinery::to_api_time(seen_.now);
  if (auto interim = verdict()) {
    end(std::move(*interim));
  } else if (!job_.metadata.deletion_timestamp) {
    manage();
  }
  int32_t ready = 0;
  for (const pods::PodPtr& pod : active_)
    if (rules::is_ready(*pod) && std::ranges::find(plan_.remove, pod) == plan_.remove.end()) ++ready;
  status_.active = static_cast<int32_t>(active_.size() - plan_.remove.size() + plan_.create.size());
  status_.ready = ready;
  status_.terminating = static_cast<int32_t>(terminating_.size() + plan_.remove.size());
  if (is_indexed(job_)) {
    status_.completed_indexes = completed_.text();
    status_.succeeded = completed_.count();
    if (job_.spec.backoff_limit_per_index) status_.failed_indexes = failed_indexes_.text();
  }
  plan_.status = std::move(status_);
  return std::move(plan_);
}

}  // namespace

Plan plan_job(const Observed& observed) { return Round(observed).run(); }

bool is_finished_job(const Job& job) {
  return rules::condition_is(job.status.conditions, "Complete", "True") || rules::condition_is(job.status.conditions, "Failed", "True");
}
bool is_suspended(const Job& job) { return job.spec.suspend.value_or(false); }
bool is_indexed(const Job& job) { return job.spec.completion_mode == "Indexed"; }
bool has_tracking_finalizer(const Pod& pod) {
  return std::ranges::find(pod.metadata.finalizers, tracking_finalizer) != pod.metadata.finalizers.end();
}

}  // namespace pintle::controller::job

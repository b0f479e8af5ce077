#include "controller/cronjob/plan.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>

#include "controller/objects/owner.h"
#include "controller/objects/time.h"
#include "rt/far_time.h"
#include "rules/conditions.h"

namespace pintle::controller::cronjob {

namespace {

// "Complete", "Failed" or "".
std::string finished_as(const Job& job) {
  for (const std::string_view type : {"Complete", "Failed"})
    if (rules::condition_is(job.status.conditions, type, "True")) return std::string(type);
  return "";
}

// RFC 3339, as the zone's clocks show it.
std::string time_text(int64_t unix_seconds, const TimeZone& zone) {
  const int64_t offset = zone.offset_at(unix_seconds);
  std::string text = api::format_time(api::time_from_unix(unix_seconds + offset, 0));
  if (offset == 0) return text;
  const int64_t minutes = std::abs(offset) / 60;
  char place[8];
  std::snprintf(place, sizeof place, "%c%02d:%02d", offset < 0 ? '-' : '+', static_cast<int>(minutes / 60 % 24), static_cast<int>(minutes % 60));
  text.back() = place[0];  // for the Z
  return text + (place + 1);
}

class Round {
 public:
  explicit Round(const Observed& seen)
      : seen_(seen), cron_(seen.cron), now_(std::chrono::duration_cast<std::chrono::seconds>(seen.now.time_since_epoch()).count()) {}
  Plan run();

 private:
  void follow_jobs();
  void trim(std::string_view type, std::optional<int32_t> limit, int32_t usual);
  void start_due();
  // The last time of the schedule that has come and was not used.
  std::optional<int64_t> due();
  std::optional<int64_t> last_after(int64_t first, int64_t period) const;
  void start(int64_t time);
  void look_again_after(int64_t time);

  const Observed& seen_;
  const CronJob& cron_;
  const int64_t now_;
  Plan plan_;
};

void Round::follow_jobs() {
  plan_.status = cron_.status;
  auto& active = plan_.status.active;
  for (const JobPtr& job : seen_.jobs) {
    const auto is_it = [&](const api::core_v1::ObjectReference& ref) { return ref.uid == job->metadata.uid; };
    const bool listed = std::ranges::any_of(active, is_it);
    const std::string end = finished_as(*job);
    if (listed && !end.empty()) {
      std::erase_if(active, is_it);
      plan_.events.push_back({false, "SawCompletedJob", "Saw completed job: " + job->metadata.name + ", condition: " + end});
    } else if (!listed && end.empty()) {
      active.push_back(reference_to_job(*job));
    }
    if (end == "Complete" && job->status.completion_time &&
        (!plan_.status.last_successful_time || objects::before(*plan_.status.last_successful_time, *job->status.completion_time)))
      plan_.status.last_successful_time = job->status.completion_time;
  }
  std::erase_if(active, [&](const api::core_v1::ObjectReference& ref) {
    const bool there = std::ranges::any_of(seen_.jobs, [&](const JobPtr& job) { return job->metadata.uid == ref.uid; });
    if (!there) plan_.events.push_back({false, "MissingJob", "Active job went missing: " + ref.name});
    return !there;
  });
}

void Round::trim(std::string_view type, std::optional<int32_t> limit, int32_t usual) {
  std::vector<JobPtr> finished;
  for (const JobPtr& job : seen_.jobs)
    if (finished_as(*job) == type && !job->metadata.deletion_timestamp) finished.push_back(job);
  std::ranges::sort(finished, [](const JobPtr& a, const JobPtr& b) {
    const api::Time left = a->status.start_time.value_or(api::Time{}), right = b->status.start_time.value_or(api::Time{});
    return left == right ? a->metadata.name < b->metadata.name : objects::before(left, right);
  });
  const int64_t surplus = static_cast<int64_t>(finished.size()) - limit.value_or(usual);
  for (int64_t i = 0; i < surplus; ++i) plan_.remove.push_back(finished[static_cast<std::size_t>(i)]);
}

// The last time of the schedule that has come after `from`. Long gaps are not walked through: the distance of the first two times
// leads near the end, and where the schedule has none there, back again.
std::optional<int64_t> Round::last_after(int64_t first, int64_t period) const {
  for (int64_t skipped = std::max<int64_t>((now_ - first) / period - 1, 0);; skipped /= 2) {
    std::optional<int64_t> last;
    if (skipped == 0) last = first;
    for (auto next = seen_.schedule->next_after(first + skipped * period, seen_.zone); next && *next <= now_;
         next = seen_.schedule->next_after(*next, seen_.zone))
      last = next;
    if (last || skipped == 0) return last;
  }
}

std::optional<int64_t> Round::due() {
  int64_t from = cron_.status.last_schedule_time ? cron_.status.last_schedule_time->seconds : cron_.metadata.creation_timestamp.seconds;
  if (cron_.spec.starting_deadline_seconds) from = std::max(from, now_ - *cron_.spec.starting_deadline_seconds);
  const auto first = seen_.schedule->next_after(from, seen_.zone);
  if (!first) {
    plan_.events.push_back(
        {true, "InvalidSchedule", "invalid schedule: " + cron_.spec.schedule + " : time difference between two schedules is less than 1 second"});
    return std::nullopt;
  }
  if (*first > now_) return std::nullopt;
  const auto second = seen_.schedule->next_after(*first, seen_.zone);
  if (!second || *second > now_) return first;
  const int64_t period = *second - *first;
  if ((now_ - *first) / period + 1 > missed_starts_max)
    plan_.events.push_back(
        {true, "TooManyMissedTimes", "too many missed start times. Set or decrease .spec.startingDeadlineSeconds or check clock skew"});
  return last_after(*first, period);
}

void Round::look_again_after(int64_t time) {
  constexpr rt::Duration slack = std::chrono::milliseconds(100);
  if (const auto next = seen_.schedule->next_after(time, seen_.zone)) plan_.look_again = rt::wall_time_of(*next) - seen_.now + slack;
}

void Round::start(int64_t time) {
  Job job;
  job.metadata.name = cron_.metadata.name + "-" + std::to_string(time / 60);
  job.metadata.namespace_ = cron_.metadata.namespace_;
  job.metadata.labels = cron_.spec.job_template.metadata.labels;
  job.metadata.annotations = cron_.spec.job_template.metadata.annotations;
  job.metadata.annotations["batch.kubernetes.io/cronjob-scheduled-timestamp"] = time_text(time, seen_.zone);
  job.metadata.owner_references.push_back(rules::controller_reference("batch/v1", "CronJob", cron_.metadata));
  job.spec = cron_.spec.job_template.spec;
  plan_.start = std::move(job);
  plan_.start_time = time;
}

void Round::start_due() {
  const auto time = due();
  look_again_after(now_);
  if (!time) return;
  if (cron_.status.last_schedule_time && cron_.status.last_schedule_time->seconds == *time) return;
  if (cron_.spec.concurrency_policy == "Forbid" && !plan_.status.active.empty()) {
    plan_.events.push_back({false, "JobAlreadyActive", "Not starting job because prior execution is running and concurrency policy is Forbid"});
    return;
  }
  if (cron_.spec.concurrency_policy == "Replace")
    for (const JobPtr& job : seen_.jobs)
      if (finished_as(*job).empty()) plan_.replace.push_back(job);
  start(*time);
}

Plan Round::run() {
  follow_jobs();
  trim("Complete", cron_.spec.successful_jobs_history_limit, 3);
  trim("Failed", cron_.spec.failed_jobs_history_limit, 1);
  if (!cron_.metadata.deletion_timestamp && !cron_.spec.suspend.value_or(false) && seen_.schedule != nullptr) start_due();
  return std::move(plan_);
}

}  // namespace

api::core_v1::ObjectReference reference_to_job(const Job& job) {
  api::core_v1::ObjectReference ref;
  ref.api_version = "batch/v1";
  ref.kind = "Job";
  ref.namespace_ = job.metadata.namespace_;
  ref.name = job.metadata.name;
  ref.uid = job.metadata.uid;
  ref.resource_version = job.metadata.resource_version;
  return ref;
}

Plan plan_cron(const Observed& observed) { return Round(observed).run(); }

}  // namespace pintle::controller::cronjob

// What a CronJob needs now: a job started, running ones replaced, old ones deleted, its status. Pure.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "api/gen/batch_v1.h"
#include "rt/clock.h"
#include "rules/cron/cron_schedule.h"

namespace pintle::controller::cronjob {

using api::batch_v1::CronJob;
using api::batch_v1::Job;
using Schedule = rules::CronSchedule;
using pintle::TimeZone;
using JobPtr = std::shared_ptr<const Job>;

inline constexpr int missed_starts_max = 100;  // more are reported

struct CronEvent {
  bool warning = false;
  std::string reason;
  std::string message;
};
struct Plan {
  std::vector<JobPtr> remove;   // finished ones past the history limits
  std::vector<JobPtr> replace;  // running ones, before the new one starts
  std::optional<Job> start;
  std::optional<int64_t> start_time;    // the time of the schedule that it is for
  api::batch_v1::CronJobStatus status;  // without the job to be started
  std::vector<CronEvent> events;
  std::optional<rt::Duration> look_again;
};
struct Observed {
  const CronJob& cron;
  const std::vector<JobPtr>& jobs;     // those it controls
  const Schedule* schedule = nullptr;  // nullptr: it cannot be read
  const TimeZone& zone;
  rt::WallTime now;
};
Plan plan_cron(const Observed& observed);

api::core_v1::ObjectReference reference_to_job(const Job& job);

}  // namespace pintle::controller::cronjob

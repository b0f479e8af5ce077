#include "controller/cronjob/plan.h"

#include <gtest/gtest.h>

#include "controller/testing/text_objects.h"

namespace pintle::controller::cronjob {
namespace {

using namespace testing;

// "10:05:30" on the first of January 2026, UTC; "10:05".
int64_t time_of(const std::string& text) {
  const auto parsed = api::parse_time("2026-01-01T" + text + (text.size() == 5 ? ":00Z" : "Z"));
  EXPECT_TRUE(parsed) << text;
  return parsed ? parsed->seconds : 0;
}
std::string clock_text(int64_t seconds) { return api::format_time(api::time_from_unix(seconds, 0)).substr(11, 8); }

// "a active, b complete=09:30:00 from=09:20:00, c failed from=09:10:00"; `unlisted` jobs are not in status.active yet.
struct Jobs {
  std::vector<JobPtr> all;
  std::vector<api::core_v1::ObjectReference> listed;
};
Jobs jobs_of(const std::string& text) {
  Jobs out;
  for (const std::string& one : split(text, ',')) {
    const auto words = split(one, ' ');
    Job job;
    job.metadata.name = job.metadata.uid = words[0];
    job.metadata.namespace_ = "default";
    bool listed = true, there = true;
    for (std::size_t i = 1; i < words.size(); ++i) {
      const std::string key = words[i].substr(0, words[i].find('=')), value = words[i].substr(words[i].find('=') + 1);
      if (key == "complete" || key == "failed") {
        auto& condition = job.status.conditions.emplace_back();
        condition.type = key == "complete" ? "Complete" : "Failed";
        condition.status = "True";
        listed = false;
        if (key == "complete" && value != key) job.status.completion_time = api::time_from_unix(time_of(value), 0);
      } else if (key == "from") {
        job.status.start_time = api::time_from_unix(time_of(value), 0);
      } else if (key == "deleted") {
        job.metadata.deletion_timestamp = ago(0);
      } else if (key == "unlisted") {
        listed = false;
      } else if (key == "listed") {
        listed = true;
      } else if (key == "gone") {
        there = false;
      } else {
        EXPECT_EQ(key, "active") << one;
      }
    }
    if (listed) out.listed.push_back(reference_to_job(job));
    if (there) out.all.push_back(std::make_shared<const Job>(std::move(job)));
  }
  return out;
}

// "start(10:05:00) replace(a) remove(b) active(c) succeeded(09:30:00) events(JobAlreadyActive) again(29s)"
std::string text_of(const Plan& plan) {
  Words out;
  if (plan.start_time) out.add("start(" + clock_text(*plan.start_time) + ")");
  out.add("replace", names_of(plan.replace));
  out.add("remove", names_of(plan.remove));
  std::vector<std::string> active, events;
  for (const auto& ref : plan.status.active) active.push_back(ref.name);
  out.add("active", active);
  if (plan.status.last_successful_time) out.add("succeeded(" + clock_text(plan.status.last_successful_time->seconds) + ")");
  for (const CronEvent& event : plan.events) events.push_back(event.reason + (event.warning ? "!" : ""));
  out.add("events", events);
  out.add_seconds("again", plan.look_again);
  return out.text();
}

CronJob cron_of(const std::string& spec, const std::string& last) {
  CronJob cron;
  cron.metadata.name = "cron";
  cron.metadata.namespace_ = "default";
  cron.metadata.uid = "c";
  cron.metadata.creation_timestamp = api::time_from_unix(time_of("00:00"), 0);
  cron.spec = from_yaml<api::batch_v1::CronJobSpec>(spec);
  if (!last.empty()) cron.status.last_schedule_time = api::time_from_unix(time_of(last), 0);
  return cron;
}

Plan plan_of(CronJob cron, const std::string& time, const Jobs& jobs) {
  cron.status.active = jobs.listed;
  const auto schedule = Schedule::parse(cron.spec.schedule);
  const TimeZone zone = TimeZone::utc();
  return plan_cron({cron, jobs.all, schedule ? &*schedule : nullptr, zone, rt::WallTime(std::chrono::seconds(time_of(time)))});
}
// `last`: when it was last started; "": never since midnight, when it was made.
void check(const std::string& spec, const std::string& last, const std::string& time, const std::string& jobs, const std::string& want) {
  EXPECT_EQ(text_of(plan_of(cron_of(spec, last), time, jobs_of(jobs))), want) << spec << " last " << last << " at " << time << " with " << jobs;
}

TEST(CronJobPlan, StartsWhatIsDue) {
  check("schedule: '*/10 * * * *'", "10:00", "10:09:59", "", "again(1s)");
  check("schedule: '*/10 * * * *'", "10:00", "10:10:00", "", "start(10:10:00) again(600s)");
  check("schedule: '*/10 * * * *'", "10:00", "10:10:30", "", "start(10:10:00) again(570s)");
  check("schedule: '*/10 * * * *'", "10:10", "10:10:30", "", "again(570s)");  // that one has been started
  check("schedule: '0 * * * *'", "", "00:59:00", "", "again(60s)");           // nothing between its making and now
  check("schedule: '0 * * * *'", "", "01:00:01", "", "start(01:00:00) again(3599s)");
  check("schedule: '0 * * * *'", "01:00", "05:30:00", "", "start(05:00:00) again(1800s)");  // the last of those missed, once
}

TEST(CronJobPlan, NothingIsStartedWhile) {
  check("{schedule: '*/10 * * * *', suspend: true}", "10:00", "10:10:30", "", "");
  check("{schedule: 'nonsense'}", "10:00", "10:10:30", "", "");
  check("{schedule: '0 0 31 2 *'}", "10:00", "10:10:30", "", "events(InvalidSchedule!)");  // it never comes due
  CronJob going = cron_of("schedule: '*/10 * * * *'", "10:00");
  going.metadata.deletion_timestamp = ago(0);
  EXPECT_EQ(text_of(plan_of(going, "10:10:30", {})), "");
}

TEST(CronJobPlan, ConcurrencyPolicy) {
  const std::string each = "{schedule: '*/10 * * * *', concurrencyPolicy: ";
  check(each + "Allow}", "10:00", "10:10:00", "a active", "start(10:10:00) active(a) again(600s)");
  check(each + "Forbid}", "10:00", "10:10:00", "a active", "active(a) events(JobAlreadyActive) again(600s)");
  check(each + "Forbid}", "10:00", "10:10:00", "a complete=10:05:00 listed",
        "start(10:10:00) succeeded(10:05:00) events(SawCompletedJob) again(600s)");
  check(each + "Forbid}", "10:00", "10:20:30", "", "start(10:20:00) again(570s)");  // what was held back is not made up for
  check(each + "Replace}", "10:00", "10:10:00", "a active, b active, c complete=10:01:00",
        "start(10:10:00) replace(a b) active(a b) succeeded(10:01:00) again(600s)");
}

TEST(CronJobPlan, StartingDeadline) {
  const std::string within = "{schedule: '*/10 * * * *', startingDeadlineSeconds: ";
  check(within + "60}", "10:00", "10:10:59", "", "start(10:10:00) again(541s)");
  check(within + "60}", "10:00", "10:11:00", "", "again(540s)");  // missed for good
  check(within + "60}", "10:00", "10:11:30", "", "again(510s)");
  check(within + "1200}", "01:00", "10:11:30", "", "start(10:10:00) again(510s)");
}

TEST(CronJobPlan, ManyMissedStartsAreReportedAndTheLastIsMade) {
  check("schedule: '* * * * *'", "10:00", "11:40:00", "", "start(11:40:00) again(60s)");  // 100
  check("schedule: '* * * * *'", "10:00", "11:41:00", "", "start(11:41:00) events(TooManyMissedTimes!) again(60s)");
  check("{schedule: '* * * * *', startingDeadlineSeconds: 200}", "10:00", "11:41:00", "", "start(11:41:00) again(60s)");
}

// Ten years of missed starts, and schedules whose times are not evenly apart: the last one is found without a walk through them all.
void check_last(const std::string& schedule, const std::string& last, const std::string& time, const std::string& want) {
  CronJob cron = cron_of("schedule: '" + schedule + "'", "");
  const auto at = [](const std::string& text) { return api::parse_time(text + ":00Z").value_or(api::Time{}); };
  cron.status.last_schedule_time = at(last);
  const auto parsed = Schedule::parse(schedule);
  const TimeZone zone = TimeZone::utc();
  const Plan plan = plan_cron({cron, {}, &*parsed, zone, apimachinery::to_wall_time(at(time))});
  EXPECT_EQ(plan.start_time ? api::format_time(api::time_from_unix(*plan.start_time, 0)) : "none", want) << schedule << " from " << last;
}

TEST(CronJobPlan, TheLastOfManyMissedTimes) {
  check_last("* * * * *", "2016-01-01T00:00", "2026-01-01T10:10", "2026-01-01T10:10:00Z");
  check_last("@every 7m", "2016-01-01T00:00", "2026-01-01T10:10", "2026-01-01T10:07:00Z");
  check_last("0,1 0 * * *", "2025-12-01T00:00", "2026-01-01T10:10", "2026-01-01T00:01:00Z");
  check_last("30 6-16/4 * * 1-5", "2025-12-01T06:30", "2026-01-04T10:10", "2026-01-02T14:30:00Z");  // a Sunday
  check_last("0,1 0 1 1 *", "2020-01-01T00:00", "2026-07-01T00:00", "2026-01-01T00:01:00Z");
  check_last("0 0 29 2 *", "2016-02-29T00:00", "2026-07-01T00:00", "2024-02-29T00:00:00Z");
}

// A zone file of one offset, for ever.
TimeZone fixed_zone(int32_t offset, const std::string& rule) {
  const std::string head = "TZif2" + std::string(15, '\0');
  const auto number = [](uint32_t n) {
    std::string out;
    for (int shift = 24; shift >= 0; shift -= 8) out += static_cast<char>(n >> shift);
    return out;
  };
  std::string bytes = head + std::string(24, '\0') + head + std::string(16, '\0') + number(1) + number(1);
  bytes += number(static_cast<uint32_t>(offset)) + std::string(3, '\0') + "\n" + rule + "\n";
  const auto zone = TimeZone::parse_tzif(bytes);
  EXPECT_TRUE(zone) << (zone ? "" : zone.error().message);
  return zone ? *zone : TimeZone::utc();
}

void check_timestamp(int32_t offset, const std::string& rule, const std::string& want) {
  const CronJob cron = cron_of("schedule: '*/10 * * * *'", "10:00");
  const auto schedule = Schedule::parse(cron.spec.schedule);
  const TimeZone zone = fixed_zone(offset, rule);
  const Plan plan = plan_cron({cron, {}, &*schedule, zone, rt::WallTime(std::chrono::seconds(time_of("10:10:30")))});
  ASSERT_TRUE(plan.start);
  EXPECT_EQ(*plan.start->metadata.annotations.get("batch.kubernetes.io/cronjob-scheduled-timestamp"), want);
}

TEST(CronJobPlan, TheScheduledTimeIsTheZones) {
  check_timestamp(9 * 3600, "JST-9", "2026-01-01T19:10:00+09:00");
  check_timestamp(-(3 * 3600 + 1800), "NST3:30", "2026-01-01T06:40:00-03:30");
  check_timestamp(0, "GMT0", "2026-01-01T10:10:00Z");
}

TEST(CronJobPlan, FollowsItsJobs) {
  const std::string never = "{schedule: '0 0 31 2 *', suspend: true}";
  check(never, "", "10:00", "a active", "active(a)");
  check(never, "", "10:00", "a active unlisted", "active(a)");
  check(never, "", "10:00", "a active gone", "events(MissingJob)");
  check(never, "", "10:00", "a complete=09:00:00 listed", "succeeded(09:00:00) events(SawCompletedJob)");
  check(never, "", "10:00", "a failed listed", "events(SawCompletedJob)");
  check(never, "", "10:00", "a complete=09:00:00, b complete=09:30:00, c complete=09:20:00", "succeeded(09:30:00)");
}

TEST(CronJobPlan, HistoryLimits) {
  const std::string five =
      "a complete from=09:05:00, b complete from=09:04:00, c complete from=09:03:00, d complete from=09:02:00, e complete from=09:01:00";
  check("{schedule: '0 0 31 2 *', suspend: true}", "", "10:00", five, "remove(e d)");  // three stay
  check("{schedule: '0 0 31 2 *', suspend: true, successfulJobsHistoryLimit: 1}", "", "10:00", five, "remove(e d c b)");
  check("{schedule: '0 0 31 2 *', suspend: true, successfulJobsHistoryLimit: 0}", "", "10:00", five, "remove(e d c b a)");
  check("{schedule: '0 0 31 2 *', suspend: true, successfulJobsHistoryLimit: 9}", "", "10:00", five, "");
  check("{schedule: '0 0 31 2 *', suspend: true}", "", "10:00", "a failed from=09:02:00, b failed from=09:01:00, c active", "remove(b) active(c)");
  check("{schedule: '0 0 31 2 *', suspend: true, failedJobsHistoryLimit: 0}", "", "10:00", "a failed, b failed, c complete", "remove(a b)");
  check("{schedule: '0 0 31 2 *', suspend: true}", "", "10:00", "a failed from=09:02:00, b failed from=09:01:00 deleted", "");
  check("{schedule: '0 0 31 2 *', suspend: true}", "", "10:00", five, "remove(e d)");  // also while it is suspended
}

TEST(CronJobPlan, TheJobIsTheTemplates) {
  const CronJob cron =
      cron_of(R"({schedule: '*/10 * * * *', jobTemplate: {metadata: {labels: {a: b}, annotations: {c: d}}, spec: {parallelism: 3}}})", "10:00");
  const Plan plan = plan_of(cron, "10:10:30", {});
  ASSERT_TRUE(plan.start);
  const Job& job = *plan.start;
  EXPECT_EQ(job.metadata.name, "cron-" + std::to_string(time_of("10:10") / 60));
  EXPECT_EQ(job.metadata.namespace_, "default");
  EXPECT_EQ(*job.metadata.labels.get("a"), "b");
  EXPECT_EQ(*job.metadata.annotations.get("c"), "d");
  EXPECT_EQ(*job.metadata.annotations.get("batch.kubernetes.io/cronjob-scheduled-timestamp"), "2026-01-01T10:10:00Z");
  EXPECT_EQ(job.spec.parallelism, 3);
  ASSERT_EQ(job.metadata.owner_references.size(), 1u);
  EXPECT_EQ(job.metadata.owner_references[0].kind + "/" + job.metadata.owner_references[0].uid, "CronJob/c");
}

}  // namespace
}  // namespace pintle::controller::cronjob

#include "rules/cron/cron_schedule.h"

#include <gtest/gtest.h>

#include "api/values.h"

namespace pintle::rules {
namespace {

void check_next(const char* schedule, const char* after, const char* next) {
  const auto parsed = CronSchedule::parse(schedule);
  ASSERT_TRUE(parsed) << schedule;
  const auto at = parsed->next_after(api::parse_time(after)->seconds, TimeZone::utc());
  EXPECT_EQ(at ? api::format_time(api::time_from_unix(*at, 0)) : "never", next) << schedule;
}

TEST(CronSchedule, FindsTheNextTime) {
  check_next("* * * * *", "2026-01-01T00:00:00Z", "2026-01-01T00:01:00Z");
  check_next("*/15 * * * *", "2026-01-01T00:14:59Z", "2026-01-01T00:15:00Z");
  check_next("0 0 29 2 *", "2026-01-01T00:00:00Z", "2028-02-29T00:00:00Z");
  check_next("30 4 1,15 * 5", "2026-01-01T05:00:00Z", "2026-01-02T04:30:00Z");  // the 15th, or any Friday
  check_next("0 9 * jan-mar mon", "2026-03-30T10:00:00Z", "2027-01-04T09:00:00Z");
  check_next("@daily", "2026-12-31T12:00:00Z", "2027-01-01T00:00:00Z");
  check_next("0 0 31 2 *", "2026-01-01T00:00:00Z", "never");
  check_next("5-10/5 3 * * *", "2026-01-01T03:05:00Z", "2026-01-01T03:10:00Z");
}

TEST(CronSchedule, StarsAndSteps) {
  // A step of two or more restricts a field: then the day of the month or that of the week is enough.
  check_next("0 0 */2 * mon", "2026-01-01T00:00:00Z", "2026-01-03T00:00:00Z");
  check_next("0 0 */2 * mon", "2026-01-03T00:00:00Z", "2026-01-05T00:00:00Z");
  check_next("0 0 */1 * mon", "2026-01-01T00:00:00Z", "2026-01-05T00:00:00Z");
  check_next("0 0 1,* * mon", "2026-01-01T00:00:00Z", "2026-01-05T00:00:00Z");
  check_next("0 0 ? * mon", "2026-01-01T00:00:00Z", "2026-01-05T00:00:00Z");
  check_next("50/7 * * * *", "2026-01-01T00:50:00Z", "2026-01-01T00:57:00Z");
  check_next("*/9223372036854775807 * * * *", "2026-01-01T00:00:00Z", "2026-01-01T01:00:00Z");
  check_next("0 0 29 2 *", "2096-03-01T00:00:00Z", "never");
  check_next("0 0 29 2 *", "2099-03-01T00:00:00Z", "2104-02-29T00:00:00Z");
}

TEST(CronSchedule, ReadsAsUpstreamDoes) {
  for (const char* good : {"*/5\t* * * *", "\n*/5 *\v*\f*\r* ", "*/5 0-6/2 1,15 jan-mar MON-FRI", "@every 1h30m", "@every 0.5s", "@every -1h",
                           "1,,2, * * * *", ", * * * *", "*-5 * * * *", "+5 * * * */+2", "007 * * * *", "5-59/100 * * * *"})
    EXPECT_TRUE(CronSchedule::parse(good)) << good;
  for (const char* bad : {"",
                          "* * * *",
                          "* * * * * *",
                          "60 * * * *",
                          "* 24 * * *",
                          "* * 0 * *",
                          "* * * 13 *",
                          "* * * * 7",
                          "* * * * 7x",
                          "*/0 * * * *",
                          "5-1 * * * *",
                          "a * * * *",
                          "@never",
                          "@every ",
                          "@every tomorrow",
                          "@every 5",
                          "@every  1h",
                          "@every 1h ",
                          "@every 1d",
                          "@Daily",
                          "@every 300000000h",
                          "1/2/3 * * * *",
                          "1-2-3 * * * *",
                          "-1 * * * *",
                          "*/-1 * * * *",
                          "*/ * * * *",
                          "1- * * * *",
                          "jan * * * *",
                          "TZ=UTC 1 * * * *",
                          " @daily",
                          "99999999999999999999 * * * *"})
    EXPECT_FALSE(CronSchedule::parse(bad)) << bad;
  EXPECT_EQ(CronSchedule::parse("*\t*  * *").error().message, "expected exactly 5 fields, found 4: [* * * *]");
}

}  // namespace
}  // namespace pintle::rules

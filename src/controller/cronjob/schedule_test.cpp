#include "controller/cronjob/schedule.h"

#include <gtest/gtest.h>

#include "api/values.h"

namespace pintle::controller::cronjob {
namespace {

void check_next(const char* schedule, const char* after, const char* next) {
  const auto parsed = Schedule::parse(schedule);
  ASSERT_TRUE(parsed) << schedule;
  const auto at = parsed->next_after(api::parse_time(after)->seconds, TimeZone::utc());
  EXPECT_EQ(at ? api::format_time(api::time_from_unix(*at, 0)) : "never", next) << schedule;
}

TEST(Schedule, FindsTheNextTime) {
  check_next("* * * * *", "2026-01-01T00:00:00Z", "2026-01-01T00:01:00Z");
  check_next("*/15 * * * *", "2026-01-01T00:14:59Z", "2026-01-01T00:15:00Z");
  check_next("0 0 29 2 *", "2026-01-01T00:00:00Z", "2028-02-29T00:00:00Z");
  check_next("30 4 1,15 * 5", "2026-01-01T05:00:00Z", "2026-01-02T04:30:00Z");   // the 15th, or any Friday
  check_next("0 9 * jan-mar mon", "2026-03-30T10:00:00Z", "2027-01-04T09:00:00Z");
  check_next("@daily", "2026-12-31T12:00:00Z", "2027-01-01T00:00:00Z");
  check_next("0 0 31 2 *", "2026-01-01T00:00:00Z", "never");
  check_next("5-10/5 3 * * *", "2026-01-01T03:05:00Z", "2026-01-01T03:10:00Z");
}

TEST(Schedule, RefusesWhatItCannotRead) {
  for (const char* bad : {"", "* * * *", "60 * * * *", "* 24 * * *", "* * 0 * *", "* * * 13 *", "* * * * 7x", "*/0 * * * *", "5-1 * * * *", "@never"}) EXPECT_FALSE(Schedule::parse(bad)) << bad;
}

}  // namespace
}  // namespace pintle::controller::cronjob

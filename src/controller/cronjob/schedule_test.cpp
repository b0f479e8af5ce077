#include "controller/cronjob/schedule.h"

#include <gtest/gtest.h>

#include <tuple>

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
  check_next("30 4 1,15 * 5", "2026-01-01T05:00:00Z", "2026-01-02T04:30:00Z");  // the 15th, or any Friday
  check_next("0 9 * jan-mar mon", "2026-03-30T10:00:00Z", "2027-01-04T09:00:00Z");
  check_next("@daily", "2026-12-31T12:00:00Z", "2027-01-01T00:00:00Z");
  check_next("0 0 31 2 *", "2026-01-01T00:00:00Z", "never");
  check_next("5-10/5 3 * * *", "2026-01-01T03:05:00Z", "2026-01-01T03:10:00Z");
}

TEST(Schedule, RefusesWhatItCannotRead) {
  for (const char* bad : {"", "* * * *", "60 * * * *", "* 24 * * *", "* * 0 * *", "* * * 13 *", "* * * * 7x", "*/0 * * * *", "5-1 * * * *", "@never"})
    EXPECT_FALSE(Schedule::parse(bad)) << bad;
}

std::string number(uint64_t value, int bytes) {
  std::string out;
  for (int i = bytes - 1; i >= 0; --i) out += static_cast<char>(value >> 8 * i & 0xff);
  return out;
}
// A slim file: an empty first block; one change, from an hour to two, at `change`; the footer.
std::string slim_file(int64_t change, const std::string& footer) {
  const std::string head = std::string("TZif2") + std::string(15, '\0');
  std::string out = head + std::string(24, '\0');
  out += head + std::string(12, '\0') + number(1, 4) + number(2, 4) + number(4, 4);
  out += number(static_cast<uint64_t>(change), 8) + number(1, 1);
  out += number(3600, 4) + number(0, 2) + number(7200, 4) + number(1, 2);
  return out + std::string("XYZ\0", 4) + "\n" + footer + "\n";
}

TEST(TimeZone, GoesOnByTheRuleAtItsEnd) {
  const auto at = [](const char* time) { return api::parse_time(time)->seconds; };
  const int64_t change = at("1996-03-31T01:00:00Z");
  const auto ruled = TimeZone::parse_tzif(slim_file(change, "CET-1CEST,M3.5.0,M10.5.0/3"));
  const auto bare = TimeZone::parse_tzif(slim_file(change, ""));
  ASSERT_TRUE(ruled && bare);
  for (const auto& [time, by_rule, without] : {std::tuple{"1996-01-01T00:00:00Z", 3600, 3600}, std::tuple{"1996-07-01T00:00:00Z", 7200, 7200},
                                               std::tuple{"1996-12-01T00:00:00Z", 3600, 7200}, std::tuple{"2026-01-01T00:00:00Z", 3600, 7200},
                                               std::tuple{"2040-07-01T00:00:00Z", 7200, 7200}}) {
    EXPECT_EQ(ruled->offset_at(at(time)), by_rule) << time;
    EXPECT_EQ(bare->offset_at(at(time)), without) << time;
  }
  const auto schedule = Schedule::parse("0 9 * * *");
  EXPECT_EQ(schedule->next_after(at("2040-12-01T00:00:00Z"), *ruled), at("2040-12-01T08:00:00Z"));
  EXPECT_FALSE(TimeZone::parse_tzif(slim_file(change, "").substr(0, 100)));
}

}  // namespace
}  // namespace pintle::controller::cronjob

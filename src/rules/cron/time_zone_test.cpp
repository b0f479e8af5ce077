#include "base/time_zone.h"

#include <gtest/gtest.h>

#include <string>
#include <tuple>

#include "api/values.h"
#include "rules/cron/cron_schedule.h"

namespace pintle::rules {
namespace {

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

TEST(TimeZone, Names) {
  for (const char* name : {"UTC", "Europe/Berlin", "America/Argentina/Buenos_Aires", "Etc/GMT+3"}) EXPECT_TRUE(is_time_zone_name(name)) << name;
  for (const char* name : {"", "Local", "LOCAL", "/etc/passwd", "../passwd", "Europe/../x", "Europe/B\xc3\xa9rlin", "Europe Berlin"})
    EXPECT_FALSE(is_time_zone_name(name)) << name;
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
  const auto schedule = CronSchedule::parse("0 9 * * *");
  EXPECT_EQ(schedule->next_after(at("2040-12-01T00:00:00Z"), *ruled), at("2040-12-01T08:00:00Z"));
  EXPECT_FALSE(TimeZone::parse_tzif(slim_file(change, "").substr(0, 100)));
}

}  // namespace
}  // namespace pintle::rules

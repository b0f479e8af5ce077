#include "base/posix_rule.h"

#include <gtest/gtest.h>

#include "api/values.h"

namespace pintle::rules {
namespace {

// The offset changes to `after` at that very second.
void check_change(const char* rule, const char* time, int64_t before, int64_t after) {
  const auto parsed = PosixRule::parse(rule);
  ASSERT_TRUE(parsed) << rule;
  const int64_t at = api::parse_time(time)->seconds;
  EXPECT_EQ(parsed->offset_at(at - 1), before) << rule << " before " << time;
  EXPECT_EQ(parsed->offset_at(at), after) << rule << " at " << time;
}

TEST(PosixRule, ChangesWhenTheZonesDo) {
  constexpr const char* berlin = "CET-1CEST,M3.5.0,M10.5.0/3";
  check_change(berlin, "2040-03-25T01:00:00Z", 3600, 7200);
  check_change(berlin, "2040-10-28T01:00:00Z", 7200, 3600);
  constexpr const char* new_york = "EST5EDT,M3.2.0,M11.1.0";
  check_change(new_york, "2040-03-11T07:00:00Z", -18000, -14400);
  check_change(new_york, "2040-11-04T06:00:00Z", -14400, -18000);
  constexpr const char* sydney = "AEST-10AEDT,M10.1.0,M4.1.0/3";  // summer over the turn of the year
  check_change(sydney, "2040-03-31T16:00:00Z", 39600, 36000);
  check_change(sydney, "2040-10-06T16:00:00Z", 36000, 39600);
  constexpr const char* dublin = "IST-1GMT0,M10.5.0,M3.5.0/1";  // the other time is the earlier one
  check_change(dublin, "2040-03-25T01:00:00Z", 0, 3600);
  check_change(dublin, "2040-10-28T01:00:00Z", 3600, 0);
  check_change("<+1245>-12:45<+1345>,M9.5.0/2:45,M4.1.0/3:45", "2040-09-29T14:00:00Z", 45900, 49500);
  check_change("<-02>2<-01>,M3.5.0/-1,M10.5.0/0", "2040-03-25T01:00:00Z", -7200, -3600);
  check_change("IST-2IDT,M3.4.4/26,M10.5.0", "2040-03-23T00:00:00Z", 7200, 10800);
  check_change("EST5EDT", "2040-03-11T07:00:00Z", -18000, -14400);        // the usual dates
  check_change("XXX0YYY,J60/0,J300/0", "2040-03-01T00:00:00Z", 0, 3600);  // 29 February is not counted
  check_change("XXX0YYY,60/0,J300/0", "2040-03-01T00:00:00Z", 0, 3600);   // it is: day 60 from 0
  check_change("XXX0YYY,60/0,J300/0", "2041-03-02T00:00:00Z", 0, 3600);
}

TEST(PosixRule, MayNotChange) {
  for (const char* time : {"2040-01-01T00:00:00Z", "2040-07-01T00:00:00Z", "2040-12-31T23:59:59Z"}) {
    const int64_t at = api::parse_time(time)->seconds;
    EXPECT_EQ(PosixRule::parse("<+0330>-3:30")->offset_at(at), 12600) << time;
    EXPECT_EQ(PosixRule::parse("UTC0")->offset_at(at), 0) << time;
    EXPECT_EQ(PosixRule::parse("EST5EDT,0/0,J365/25")->offset_at(at), -14400) << time;  // summer all year
  }
  check_change("EST5EDT,0/0,J365/25", "2041-01-01T05:00:00Z", -14400, -14400);
}

TEST(PosixRule, RefusesWhatItCannotRead) {
  for (const char* bad :
       {"", "CET", "C-1", "CET-25", "<+03-3", "CET-1CEST,M3.5.0", "CET-1CEST,M13.5.0,M10.5.0", "CET-1CEST,M3.6.0,M10.5.0", "CET-1CEST,M3.5.7,M10.5.0",
        "CET-1CEST,J0,J9", "CET-1CEST,366,1", "CET-1CEST,M3.5.0/168,M10.5.0", "CET-1CEST,M3.5.0,M10.5.0 ", "CET-1:60", "12345-1"})
    EXPECT_FALSE(PosixRule::parse(bad)) << bad;
}

}  // namespace
}  // namespace pintle::rules

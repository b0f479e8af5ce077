#include <gtest/gtest.h>

#include "api/values.h"

namespace pintle::api {
namespace {

// What a text reads as, in microseconds; "refused" where it is none.
void check_time(std::string_view text, std::string_view want) {
  const auto time = parse_micro_time(text);
  EXPECT_EQ(time ? format_micro_time(*time) : "refused", want) << text;
}

TEST(Time, Rfc3339) {
  check_time("2026-01-02T03:04:05Z", "2026-01-02T03:04:05.000000Z");
  check_time("2026-01-02T03:04:05.123456789Z", "2026-01-02T03:04:05.123456Z");
  check_time("2026-01-02T03:04:05,5Z", "2026-01-02T03:04:05.500000Z");
  check_time("2026-01-01T00:30:00+01:00", "2025-12-31T23:30:00.000000Z");
  check_time("2024-02-29T00:00:00-00:30", "2024-02-29T00:30:00.000000Z");
  check_time("1969-12-31T23:59:59Z", "1969-12-31T23:59:59.000000Z");
  check_time("0001-01-01T00:00:00Z", "0001-01-01T00:00:00.000000Z");
  check_time("9999-12-31T23:59:59Z", "9999-12-31T23:59:59.000000Z");
}

TEST(Time, RefusesWhatIsNone) {
  for (std::string_view text :
       {"", "2026", "2026-01-02", "2026-01-02T03:04:05", "2026-01-02 03:04:05Z", "2026-13-02T03:04:05Z", "2026-02-30T03:04:05Z",
        "2025-02-29T00:00:00Z", "2026-01-02T24:04:05Z", "2026-01-02T03:60:05Z", "2026-01-02T03:04:60Z", "2026-01-02T03:04:05.Z",
        "2026-01-02T03:04:05Zx", "2026-01-02T03:04:05+1:00", "2026-01-02T03:04:05z", "+026-01-02T03:04:05Z"})
    check_time(text, "refused");
}

TEST(Time, Seconds) {
  EXPECT_EQ(format_time(*parse_time("2026-01-02T03:04:05.9Z")), "2026-01-02T03:04:05Z");
  EXPECT_EQ(parse_time("1970-01-02T00:00:00Z")->seconds, 86400);
  EXPECT_TRUE(parse_time("0001-01-01T00:00:00Z")->zero());
  EXPECT_TRUE(Time().zero());
  EXPECT_EQ(format_time(Time{253402300800, 0}), "10000-01-01T00:00:00Z");
  EXPECT_FALSE(format_time(Time{INT64_MAX, 0}).empty());
  EXPECT_FALSE(format_time(Time{INT64_MIN + 1, 0}).empty());
}

void check_duration(std::string_view text, std::string_view want) {
  const auto duration = parse_duration(text);
  EXPECT_EQ(duration ? format_duration(*duration) : "refused", want) << text;
}

TEST(Duration, AsGo) {
  check_duration("0", "0s");
  check_duration("1h15m30.918s", "1h15m30.918s");
  check_duration("90s", "1m30s");
  check_duration("3600s", "1h0m0s");
  check_duration("1.5h", "1h30m0s");
  check_duration("-2m3.4s", "-2m3.4s");
  check_duration("100ms", "100ms");
  check_duration("1500us", "1.5ms");
  check_duration("1\u00b5s", "1\u00b5s");
  check_duration("12ns", "12ns");
  check_duration(".5s", "500ms");
  check_duration("-9223372036854775808ns", "-2562047h47m16.854775808s");
  for (std::string_view text : {"", "1", "s", "1x", "-", "1s ", "9223372036854775808ns", "3000000h", "1.s.", "--1s", "1 s"})
    check_duration(text, "refused");
}

}  // namespace
}  // namespace pintle::api

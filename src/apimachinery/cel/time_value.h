// Timestamps and durations: texts, sums, what a calendar and a clock show. Source: the language definition; RFC 3339; Go's durations.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "apimachinery/cel/value.h"

namespace pintle::apimachinery::cel {

constexpr int64_t timestamp_seconds_min = -62135596800;  // year 1
constexpr int64_t timestamp_seconds_max = 253402300799;  // year 9999

// nullopt: out of range.
std::optional<Timestamp> time_plus(Timestamp time, int64_t nanos);
std::optional<int64_t> time_between(Timestamp later, Timestamp earlier);

// RFC 3339 as Go reads it; what is out of range is none.
std::optional<Timestamp> parse_timestamp(std::string_view text);
std::string timestamp_text(Timestamp time);  // in its zone, no more digits than needed
// "1h2.5s" as Go reads it.
std::optional<int64_t> parse_duration_text(std::string_view text);
std::string duration_text(int64_t nanos);  // seconds: "3600s", "0.5s"

struct CalendarTime {
  int64_t year = 1970;
  int month = 1, day = 1;                // from 1
  int day_of_year = 0, day_of_week = 0;  // from 0; Sunday is 0
  int hour = 0, minute = 0, second = 0, millisecond = 0;
};
CalendarTime calendar_time(Timestamp time, int64_t offset_seconds);

}  // namespace pintle::apimachinery::cel

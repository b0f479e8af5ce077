// Times that someone else named: a client's, a node's or a file's seconds may be any number, and nanoseconds of 64 bits reach 292 years. Here
// such numbers become durations and times, cut to a century from anything that is meant in earnest. What these give can be added and
// subtracted once without a thought: a time plus a duration, and a time less a time, never overflow. Every conversion of such a number goes
// through here.
#pragma once

#include <algorithm>
#include <cstdint>

#include "rt/clock.h"

namespace pintle::rt {

constexpr Duration far_duration = std::chrono::hours(24 * 365 * 100);
// 2^62 - 1 nanoseconds from 1970: the year 2116.
constexpr WallTime far_wall_time{Duration(INT64_MAX / 2)};
constexpr TimePoint far_time{Duration(INT64_MAX / 2)};

// A century at most, before or after.
constexpr Duration bounded(Duration wait) { return std::clamp(wait, -far_duration, far_duration); }
constexpr Duration seconds_of(int64_t seconds) {
  constexpr int64_t most = std::chrono::duration_cast<std::chrono::seconds>(far_duration).count();
  return std::chrono::seconds(std::clamp(seconds, -most, most));
}
// The same as a number again.
constexpr int64_t bounded_seconds(int64_t seconds) { return std::chrono::duration_cast<std::chrono::seconds>(seconds_of(seconds)).count(); }
// Seconds since 1970.
constexpr WallTime wall_time_of(int64_t seconds, int64_t nanos = 0) {
  constexpr int64_t most = std::chrono::duration_cast<std::chrono::seconds>(far_wall_time.time_since_epoch()).count() - 1;
  if (seconds > most) return far_wall_time;
  if (seconds < -most) return WallTime(-far_wall_time.time_since_epoch());
  return WallTime(std::chrono::seconds(seconds) + Duration(std::clamp<int64_t>(nanos, 0, 999'999'999)));
}
// `wait` from `now`, whatever it is: far_time at the latest.
constexpr TimePoint after(TimePoint now, Duration wait) { return now >= far_time ? now : std::min(now + bounded(wait), far_time); }

}  // namespace pintle::rt

// Times of objects and times of the clock.
#pragma once

#include "api/values.h"
#include "rt/clock.h"
#include "rt/far_time.h"

namespace pintle::controller {

// Whole seconds, as objects carry them.
inline api::Time to_api_time(rt::WallTime time) {
  return api::time_from_unix(std::chrono::duration_cast<std::chrono::seconds>(time.time_since_epoch()).count(), 0);
}
inline api::MicroTime to_micro_time(rt::WallTime time) {
  const auto nanos = time.time_since_epoch().count();
  api::MicroTime out;
  out.seconds = nanos / 1'000'000'000;
  out.nanos = static_cast<int32_t>(nanos % 1'000'000'000 / 1000 * 1000);
  return out;
}
// The zero time becomes the epoch.
inline rt::WallTime to_wall_time(const api::Time& time) { return time.zero() ? rt::WallTime() : rt::wall_time_of(time.seconds, time.nanos); }
inline bool before(const api::Time& a, const api::Time& b) { return a.seconds != b.seconds ? a.seconds < b.seconds : a.nanos < b.nanos; }

}  // namespace pintle::controller

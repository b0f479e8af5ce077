// Times of the clock as objects carry them, and back.
#pragma once

#include <chrono>

#include "api/values.h"
#include "rt/clock.h"
#include "rt/far_time.h"

namespace pintle::apimachinery {

// Whole seconds, as metav1.Time is written.
inline api::Time to_api_time(rt::WallTime time) {
  return api::time_from_unix(std::chrono::floor<std::chrono::seconds>(time.time_since_epoch()).count(), 0);
}
// Whole microseconds.
inline api::MicroTime to_micro_time(rt::WallTime time) {
  const auto seconds = std::chrono::floor<std::chrono::seconds>(time.time_since_epoch());
  api::MicroTime out;
  out.seconds = seconds.count();
  out.nanos = static_cast<int32_t>((time.time_since_epoch() - seconds).count() / 1000 * 1000);
  return out;
}
// The zero time becomes the epoch.
inline rt::WallTime to_wall_time(const api::Time& time) { return time.zero() ? rt::WallTime() : rt::wall_time_of(time.seconds, time.nanos); }

}  // namespace pintle::apimachinery

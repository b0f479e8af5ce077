// Times of objects and times of the clock.
#pragma once

#include "apimachinery/clock_time.h"

namespace pintle::controller::objects {

inline bool before(const api::Time& a, const api::Time& b) { return a.seconds != b.seconds ? a.seconds < b.seconds : a.nanos < b.nanos; }

}  // namespace pintle::controller::objects

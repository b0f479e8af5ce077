// Work: what a request is taken to cost, in seats (one seat: one unit of concurrency) and time.
#pragma once

#include <algorithm>
#include <cstdint>

#include "rt/clock.h"

namespace pintle::apiserver::fairness {

struct Work {
  uint32_t initial_seats = 1;  // while it is being served
  uint32_t final_seats = 0;    // for `final_time` after its answer: what it made others do
  rt::Duration final_time{};

  uint32_t max_seats() const { return std::max(initial_seats, final_seats); }
};

}  // namespace pintle::apiserver::fairness

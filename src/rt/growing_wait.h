// GrowingWait: the wait of one thing that fails again and again, as client-go's flowcontrol.Backoff keeps it: doubled at each failure up
// to a maximum, and from anew after twice that of quiet. Pure: the time comes in, by whichever clock.
#pragma once

#include <algorithm>

#include "rt/clock.h"

namespace pintle::rt {

struct GrowingWaitOptions {
  Duration initial;
  Duration max;
};

template <class Time>
class GrowingWait {
 public:
  // It has failed now: the wait starts, longer than the one before.
  void next(Time now, GrowingWaitOptions options) {
    const bool fresh = delay_ == Duration::zero() || expired(now, options);
    delay_ = std::min(fresh ? options.initial : delay_ * 2, options.max);
    since_ = now;
  }
  // Quiet for so long that the next wait is the first again.
  bool expired(Time at, GrowingWaitOptions options) const { return at - since_ > 2 * options.max; }
  Duration delay() const { return delay_; }
  Time until() const { return since_ + delay_; }

 private:
  Duration delay_{};
  Time since_{};
};

}  // namespace pintle::rt

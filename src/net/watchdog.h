// Watchdog: calls back when a deadline passes. Moving the deadline later costs a clock reading and no timer: the timer
// that is running finds out when it fires. One executor; the callback runs there and may destroy the watchdog.
#pragma once

#include <functional>
#include <memory>

#include "rt/clock.h"
#include "rt/runtime.h"

namespace pintle::net {

class Watchdog {
 public:
  Watchdog(rt::Runtime& runtime, rt::Executor& executor, std::function<void()> expired);
  ~Watchdog();
  Watchdog(const Watchdog&) = delete;
  Watchdog& operator=(const Watchdog&) = delete;

  // Calls back once `after` from now, unless moved or disarmed before.
  void expect_within(rt::Duration after);
  void disarm();

 private:
  struct State;
  std::shared_ptr<State> state_;
};

}  // namespace pintle::net

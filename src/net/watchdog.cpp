#include "net/watchdog.h"

#include "rt/far_time.h"

namespace pintle::net {

struct Watchdog::State : std::enable_shared_from_this<Watchdog::State> {
  State(rt::Clock& c, rt::Executor& e, std::function<void()> f) : clock(c), executor(e), expired(std::move(f)) {}

  void arm() {
    fires_at = deadline;
    armed = true;
    timer = executor.post_at(deadline, [self = weak_from_this()] {
      if (auto state = self.lock()) state->fire();
    });
  }
  void fire() {
    armed = false;
    if (!active) return;
    if (clock.now() < deadline) return arm();
    active = false;
    auto call = expired;  // the callback may drop us
    call();
  }

  rt::Clock& clock;
  rt::Executor& executor;
  std::function<void()> expired;
  rt::TimePoint deadline{};
  rt::TimePoint fires_at{};
  rt::TimerId timer = 0;
  bool armed = false;
  bool active = false;
};

Watchdog::Watchdog(rt::Runtime& runtime, rt::Executor& executor, std::function<void()> expired)
    : state_(std::make_shared<State>(runtime.clock(), executor, std::move(expired))) {}

Watchdog::~Watchdog() {
  state_->active = false;
  if (state_->armed) state_->executor.cancel_timer(state_->timer);
}

void Watchdog::expect_within(rt::Duration after) {
  State& s = *state_;
  s.deadline = rt::after(s.clock.now(), after);
  s.active = true;
  if (s.armed && s.fires_at <= s.deadline) return;
  if (s.armed) s.executor.cancel_timer(s.timer);
  s.arm();
}

void Watchdog::disarm() { state_->active = false; }

}  // namespace pintle::net

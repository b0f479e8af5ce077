#include "rt/real/hold_watch.h"

#include <time.h>

#include <algorithm>

namespace pintle::rt {

namespace {

using namespace std::chrono_literals;

constexpr Duration look_every = 10ms;

Duration processor_time() {
  timespec used{};
  ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &used);
  return std::chrono::seconds(used.tv_sec) + std::chrono::nanoseconds(used.tv_nsec);
}

}  // namespace

void HoldWatch::start() {
  note_ = &detail::work_note();
  processor_then_ = processor_time();
  begin();
  looked_ = begun_;
}

void HoldWatch::begin() { begun_ = std::chrono::steady_clock::now(); }

void HoldWatch::end() {
  const TimePoint now = std::chrono::steady_clock::now();
  if (now - looked_ >= look_every) look(now);
  begun_ = now;
  note_->size = 0;
}

void HoldWatch::look(TimePoint now) {
  const Duration processor = processor_time();
  const Duration used = std::min<Duration>(processor - processor_then_, now - begun_);
  looked_ = now;
  processor_then_ = processor;
  if (used > held_max_) detail::count_held(index_, used);
}

}  // namespace pintle::rt

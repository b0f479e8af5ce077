#include "rt/sim/sim_scheduler.h"

#include "rt/executor_scope.h"

namespace pintle::rt {

namespace {
using namespace std::chrono_literals;
// Simulated time starts here, so that "an hour ago" is a time too.
constexpr Duration start_time = 24h;
// The longest that a step takes: with time passing, a task that polls with yield() does not stop the clock.
constexpr uint64_t step_cost_max_ns = 1000;
}  // namespace

SimScheduler::SimScheduler(uint64_t seed, std::size_t log_bytes_max) : random_(seed), log_(log_bytes_max), now_(start_time) {}

void SimScheduler::post(SimExecutor* executor, std::coroutine_handle<> handle, std::function<void()> function) {
  auto& queue = executor->alive() ? ready_ : graveyard_;
  queue.push_back(Item{executor, next_id_++, handle, std::move(function)});
}

TimerId SimScheduler::add_timer(SimExecutor* executor, TimePoint when, std::function<void()> work) {
  return timers_.add(when, [this, executor, id = next_id_++, work = std::move(work)] { run(Item{executor, id, {}, work}); });
}

void SimScheduler::bury(SimExecutor* executor) {
  std::erase_if(ready_, [&](Item& item) {
    if (item.executor != executor) return false;
    graveyard_.push_back(std::move(item));
    return true;
  });
}

bool SimScheduler::step() {
  if (ready_.empty()) {
    const auto next = timers_.earliest();
    if (!next) return false;
    now_ = std::max(now_, *next);
  }
  ++steps_;
  const auto due = timers_.earliest();
  const bool timer_due = due && *due <= now_;
  const std::size_t pick = random_.below(ready_.size() + (timer_due ? 1 : 0));
  if (pick == ready_.size()) {
    (*timers_.pop_due(now_))();
  } else {
    Item item = std::move(ready_[pick]);
    if (pick + 1 != ready_.size()) ready_[pick] = std::move(ready_.back());
    ready_.pop_back();
    run(std::move(item));
  }
  now_ += Duration(static_cast<int64_t>(random_.below(step_cost_max_ns)));
  return true;
}

void SimScheduler::run(Item item) {
  if (item.executor && !item.executor->alive()) {
    graveyard_.push_back(std::move(item));
    return;
  }
  note((item.executor ? item.executor->name() : "world") + " #" + std::to_string(item.id));
  ExecutorScope scope(item.executor);
  if (item.handle) {
    item.handle.resume();
  } else {
    item.function();
  }
}

}  // namespace pintle::rt

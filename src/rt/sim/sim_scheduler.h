// SimScheduler: the one thread of a simulation. Each step runs one ready piece of work, or one timer that is due, that
// the seed picks; with nothing ready the clock jumps to the next timer. What belongs to a killed executor never runs
// again and is never destroyed (a power cut runs no destructor): it stays in the graveyard.
#pragma once

#include <memory>
#include <vector>

#include "rt/executor.h"
#include "rt/sim/event_log.h"
#include "rt/sim/sim_random.h"
#include "rt/timer_heap.h"

namespace pintle::rt {

class SimExecutor;

class SimScheduler {
 public:
  SimScheduler(uint64_t seed, std::size_t log_bytes_max);

  TimePoint now() const { return now_; }
  // The thread was busy for this long.
  void advance(Duration duration) { now_ += duration; }
  SimRandom& random() { return random_; }
  void note(std::string_view line) { log_.write(now_, line); }
  const EventLog& log() const { return log_; }

  void post(SimExecutor* executor, std::coroutine_handle<> handle, std::function<void()> function);
  // `executor` null: the world's own (packets under way).
  TimerId add_timer(SimExecutor* executor, TimePoint when, std::function<void()> work);
  bool cancel_timer(TimerId id) { return timers_.remove(id); }
  // Buries what `executor` has ready; the caller has marked it dead.
  void bury(SimExecutor* executor);

  // False: nothing is ready and no timer is set.
  bool step();
  uint64_t steps() const { return steps_; }

 private:
  struct Item {
    SimExecutor* executor;
    uint64_t id;
    std::coroutine_handle<> handle;
    std::function<void()> function;
  };
  void run(Item item);

  SimRandom random_;
  EventLog log_;
  TimePoint now_;
  TimerHeap timers_;
  std::vector<Item> ready_;
  std::vector<Item> graveyard_;
  uint64_t next_id_ = 0;
  uint64_t steps_ = 0;
};

class SimExecutor final : public Executor {
 public:
  SimExecutor(SimScheduler& scheduler, Runtime& runtime, std::string name) : scheduler_(scheduler), runtime_(runtime), name_(std::move(name)) {}
  void post(std::function<void()> work) override { scheduler_.post(this, {}, std::move(work)); }
  void post(std::coroutine_handle<> handle) override { scheduler_.post(this, handle, nullptr); }
  TimerId post_at(TimePoint when, std::function<void()> work) override { return scheduler_.add_timer(this, when, std::move(work)); }
  bool cancel_timer(TimerId id) override { return scheduler_.cancel_timer(id); }
  Runtime& runtime() override { return runtime_; }

  const std::string& name() const { return name_; }
  bool alive() const { return alive_; }
  void kill() {
    alive_ = false;
    scheduler_.bury(this);
  }

 private:
  SimScheduler& scheduler_;
  Runtime& runtime_;
  const std::string name_;  // "machine.index"
  bool alive_ = true;
};

}  // namespace pintle::rt

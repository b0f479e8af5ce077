// Executor: one thread's ready queue and timers. Tasks stay on the executor on which they started, so what belongs to
// one executor needs no lock. post() and the timers are thread-safe; everything else runs on the executor.
#pragma once

#include <coroutine>
#include <functional>

#include "rt/clock.h"

namespace pintle::rt {

using TimerId = uint64_t;

class Runtime;

class Executor {
 public:
  virtual ~Executor() = default;
  // Queues `work`. Ordered per posting thread on the real backend; ordered by the seed on the simulated one.
  virtual void post(std::function<void()> work) = 0;
  // Queues the resumption of a coroutine without an allocation.
  virtual void post(std::coroutine_handle<> handle) = 0;
  // On the executor's thread: resumes `handle` once what is ready has run and sockets and timers have been asked (rt/give_way.h). The
  // simulation, where a step takes no time, posts it.
  virtual void post_last(std::coroutine_handle<> handle) { post(handle); }
  // Runs `work` at or after `when`.
  virtual TimerId post_at(TimePoint when, std::function<void()> work) = 0;
  // False if the timer has run or is running.
  virtual bool cancel_timer(TimerId id) = 0;
  virtual Runtime& runtime() = 0;

  // The executor whose thread this is; CHECK fails outside of one.
  static Executor& current();
  static Executor* current_or_null();
};

}  // namespace pintle::rt

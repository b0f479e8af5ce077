// RealExecutor: a thread's io_context with a ready queue and a timer heap on top. Waking it costs one asio handler
// however much was posted; with nothing to do it sleeps in epoll without a timeout.
#pragma once

#include <deque>
#include <memory>
#include <vector>

#include "base/mutex.h"
#include "rt/executor.h"
#include "rt/real/hold_watch.h"
#include "rt/timer_heap.h"

namespace pintle::rt {

class RealExecutor final : public Executor {
 public:
  // The io_context and its timer; defined in io.h, which alone includes asio.
  struct Io;

  // Steps of more than `held_max` are counted (rt/held.h).
  RealExecutor(Runtime& runtime, std::size_t index, Duration held_max);
  ~RealExecutor() override;

  void post(std::function<void()> work) override;
  void post(std::coroutine_handle<> handle) override;
  void post_last(std::coroutine_handle<> handle) override;  // one for each look at the sockets
  TimerId post_at(TimePoint when, std::function<void()> work) override;
  bool cancel_timer(TimerId id) override;
  Runtime& runtime() override { return runtime_; }

  // Runs on the calling thread until stop(), which any thread may call.
  void run();
  void stop();
  Io& io() { return *io_; }
  std::size_t index() const { return index_; }
  // On the executor's thread: what runs as a step of its own.
  HoldWatch& watch() { return watch_; }

 private:
  struct Work {
    std::coroutine_handle<> handle;
    std::function<void()> function;
  };
  void push(Work work);
  void drain();
  void run_batch();
  void arm();
  void fire();

  Runtime& runtime_;
  const std::size_t index_;
  std::unique_ptr<Io> io_;
  ThreadMutex mutex_;
  std::vector<Work> ready_ GUARDED_BY(mutex_);
  bool drain_posted_ GUARDED_BY(mutex_) = false;
  TimerHeap timers_ GUARDED_BY(mutex_);
  // When the asio timer rings at the latest; an earlier post_at() arms it anew.
  TimePoint armed_ GUARDED_BY(mutex_) = TimePoint::max();
  // The executor's thread only.
  std::vector<Work> running_;
  std::deque<std::coroutine_handle<>> last_;
  HoldWatch watch_;
};

}  // namespace pintle::rt

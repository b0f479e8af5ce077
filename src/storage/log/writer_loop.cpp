#include "storage/log/writer_loop.h"

#include <pthread.h>

#include <condition_variable>
#include <mutex>
#include <thread>
#include <utility>

#include "rt/signal_stack.h"

namespace pintle::storage {
namespace {

class ThreadLoop final : public WriterLoop {
 public:
  ThreadLoop(const rt::Clock& clock, Step step) : clock_(clock), step_(std::move(step)), thread_([this] { run(); }) {
    pthread_setname_np(thread_.native_handle(), "store-writer");
  }
  ~ThreadLoop() override { stop(); }

  void wake() override {
    {
      std::lock_guard lock(mutex_);
      if (woken_) return;
      woken_ = true;
    }
    changed_.notify_one();
  }

  void stop() override {
    {
      std::lock_guard lock(mutex_);
      stopping_ = true;
    }
    changed_.notify_one();
    if (thread_.joinable()) thread_.join();
  }

 private:
  void run() {
    rt::SignalStack signals;
    std::unique_lock lock(mutex_);
    while (!stopping_) {
      woken_ = false;
      lock.unlock();
      const Next next = step_();
      lock.lock();
      if (next.at_once) continue;
      const auto due = [this] { return woken_ || stopping_; };
      if (next.timed) {
        changed_.wait_for(lock, std::max(next.when - clock_.now(), rt::Duration::zero()), due);
      } else {
        changed_.wait(lock, due);
      }
    }
  }

  const rt::Clock& clock_;
  const Step step_;
  std::mutex mutex_;
  std::condition_variable changed_;
  bool woken_ = false;
  bool stopping_ = false;
  std::thread thread_;  // last: it uses the others
};

class ExecutorLoop final : public WriterLoop {
 public:
  ExecutorLoop(rt::Executor& executor, Step step) : executor_(executor), state_(std::make_shared<State>()) { state_->step = std::move(step); }
  ~ExecutorLoop() override { stop(); }

  void wake() override { schedule(executor_, state_); }

  void stop() override {
    std::lock_guard lock(state_->running);
    state_->step = nullptr;
    if (state_->timer != 0) executor_.cancel_timer(state_->timer);
  }

 private:
  struct State {
    std::mutex running;  // held during a step
    std::mutex mutex;
    bool posted = false;
    rt::TimerId timer = 0;
    Step step;  // empty once stopped
  };

  static void schedule(rt::Executor& executor, const std::shared_ptr<State>& state) {
    {
      std::lock_guard lock(state->mutex);
      if (state->posted) return;
      state->posted = true;
    }
    executor.post([&executor, state] { run(executor, state); });
  }

  static void run(rt::Executor& executor, const std::shared_ptr<State>& state) {
    std::lock_guard lock(state->running);
    {
      std::lock_guard flags(state->mutex);
      state->posted = false;
    }
    if (!state->step) return;
    if (state->timer != 0) executor.cancel_timer(std::exchange(state->timer, 0));
    const Next next = state->step();
    if (next.at_once) {
      schedule(executor, state);
    } else if (next.timed) {
      state->timer = executor.post_at(next.when, [&executor, state] { schedule(executor, state); });
    }
  }

  rt::Executor& executor_;
  const std::shared_ptr<State> state_;
};

}  // namespace

std::unique_ptr<WriterLoop> make_thread_loop(const rt::Clock& clock, WriterLoop::Step step) {
  return std::make_unique<ThreadLoop>(clock, std::move(step));
}

std::unique_ptr<WriterLoop> make_executor_loop(rt::Executor& executor, WriterLoop::Step step) {
  return std::make_unique<ExecutorLoop>(executor, std::move(step));
}

}  // namespace pintle::storage

#include "storage/log/writer_loop.h"

#include <pthread.h>

#include <thread>
#include <utility>

#include "base/mutex.h"
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
      ThreadLock lock(mutex_);
      if (woken_) return;
      woken_ = true;
    }
    changed_.notify_one();
  }

  void stop() override {
    {
      ThreadLock lock(mutex_);
      stopping_ = true;
    }
    changed_.notify_one();
    if (thread_.joinable()) thread_.join();
  }

 private:
  void run() {
    rt::SignalStack signals;
    ThreadLock lock(mutex_);
    while (!stopping_) {
      woken_ = false;
      lock.unlock();
      const Next next = step_();
      lock.lock();
      if (next.at_once) continue;
      while (!woken_ && !stopping_) {
        const rt::Duration left = next.timed ? next.when - clock_.now() : rt::Duration::max();
        if (left <= rt::Duration::zero()) break;
        if (next.timed) {
          changed_.wait_for(lock, left);
        } else {
          changed_.wait(lock);
        }
      }
    }
  }

  const rt::Clock& clock_;
  const Step step_;
  ThreadMutex mutex_;
  ThreadCondition changed_;
  bool woken_ GUARDED_BY(mutex_) = false;
  bool stopping_ GUARDED_BY(mutex_) = false;
  std::thread thread_;  // last: it uses the others
};

class ExecutorLoop final : public WriterLoop {
 public:
  ExecutorLoop(rt::Executor& executor, Step step) : executor_(executor), state_(std::make_shared<State>()) { state_->step = std::move(step); }
  ~ExecutorLoop() override { stop(); }

  void wake() override { schedule(executor_, state_); }

  void stop() override {
    ThreadLock lock(state_->running);
    state_->step = nullptr;
    if (state_->timer != 0) executor_.cancel_timer(state_->timer);
  }

 private:
  struct State {
    ThreadMutex running;  // held during a step
    ThreadMutex mutex;
    bool posted GUARDED_BY(mutex) = false;
    rt::TimerId timer GUARDED_BY(running) = 0;
    Step step GUARDED_BY(running);  // empty once stopped
  };

  static void schedule(rt::Executor& executor, const std::shared_ptr<State>& state) {
    {
      ThreadLock lock(state->mutex);
      if (state->posted) return;
      state->posted = true;
    }
    executor.post([&executor, state] { run(executor, state); });
  }

  static void run(rt::Executor& executor, const std::shared_ptr<State>& state) {
    ThreadLock lock(state->running);
    {
      ThreadLock flags(state->mutex);
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

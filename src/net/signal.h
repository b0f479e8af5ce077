// Signal: one task of this executor waits, another wakes it. A notify() without a waiter is kept for the next wait().
// No lock and no allocation: everything here runs on one executor. Wait in a loop around the condition that is meant.
#pragma once

#include <coroutine>
#include <exception>
#include <utility>

#include "base/check.h"
#include "rt/executor.h"
#include "rt/task.h"

namespace pintle::net {

class Signal {
 public:
  Signal() = default;
  Signal(const Signal&) = delete;
  Signal& operator=(const Signal&) = delete;

  void notify() {
    if (waiter_) {
      executor_->post(std::exchange(waiter_, {}));
    } else {
      set_ = true;
    }
  }
  auto wait() {
    struct Awaiter {
      Signal& signal;
      bool await_ready() const { return std::exchange(signal.set_, false); }
      void await_suspend(std::coroutine_handle<> handle) const {
        CHECK(!signal.waiter_, "a Signal has one waiter");
        signal.executor_ = &rt::Executor::current();
        signal.waiter_ = handle;
      }
      void await_resume() const {}
    };
    return Awaiter{*this};
  }

 private:
  std::coroutine_handle<> waiter_;
  rt::Executor* executor_ = nullptr;
  bool set_ = false;
};

// A task that owns itself. Only for work whose end is forced by closing the stream that it serves (connections of a
// client transport): everything else belongs to a TaskGroup.
struct Detached {
  struct promise_type {
    Detached get_return_object() const { return {}; }
    std::suspend_never initial_suspend() const noexcept { return {}; }
    std::suspend_never final_suspend() const noexcept { return {}; }
    void return_void() const {}
    void unhandled_exception() const { std::terminate(); }
  };
};
inline Detached run_detached(rt::Task<void> task) { co_await std::move(task); }

}  // namespace pintle::net

// WaitList: the queue of suspended tasks behind Event and AsyncMutex. Its owner's state derives from it and guards its own
// fields with `mutex`. A waiter is a node in its coroutine's frame; whoever takes it off the list, under the mutex,
// decides its outcome and posts it to its own executor.
#pragma once

#include <coroutine>
#include <memory>

#include "base/mutex.h"
#include "base/status.h"
#include "rt/context.h"
#include "rt/executor.h"

namespace pintle::rt::detail {

struct Waiter {
  Waiter* prev = nullptr;
  Waiter* next = nullptr;
  bool queued = false;
  bool cancelled = false;
  Executor* executor = nullptr;
  std::coroutine_handle<> handle;
};

struct WaitList {
  ThreadMutex mutex;
  Waiter* first GUARDED_BY(mutex) = nullptr;
  Waiter* last GUARDED_BY(mutex) = nullptr;

  void push(Waiter* waiter) REQUIRES(mutex) {
    waiter->queued = true;
    waiter->prev = last;
    waiter->next = nullptr;
    (last ? last->next : first) = waiter;
    last = waiter;
  }
  void unlink(Waiter* waiter) REQUIRES(mutex) {
    (waiter->prev ? waiter->prev->next : first) = waiter->next;
    (waiter->next ? waiter->next->prev : last) = waiter->prev;
    waiter->queued = false;
  }
  // Takes the first waiter off; null if there is none.
  Waiter* pop() REQUIRES(mutex) {
    Waiter* waiter = first;
    if (waiter) unlink(waiter);
    return waiter;
  }
  void cancel(Waiter* waiter) {
    ThreadLock lock(mutex);
    if (!waiter->queued) return;
    unlink(waiter);
    waiter->cancelled = true;
    waiter->executor->post(waiter->handle);
  }
};

// Waiters that were taken off under the mutex, to be posted after it: the first of them to run may destroy what all of
// them waited for, mutex included.
struct WokenList {
  Waiter* first = nullptr;
  Waiter* last = nullptr;

  void push(Waiter* waiter) {
    waiter->next = nullptr;
    (last ? last->next : first) = waiter;
    last = waiter;
  }
  void post() const {
    for (Waiter* waiter = first; waiter;) {
      Waiter* next = waiter->next;
      waiter->executor->post(waiter->handle);
      waiter = next;
    }
  }
};

// Awaits `state` (a WaitList with `bool try_acquire()`, called under the mutex): ready if that succeeds, else queued
// until woken or `ctx` is done.
template <class State>
class WaitAwaiter : Waiter {
 public:
  WaitAwaiter(std::shared_ptr<State> state, Context ctx) : state_(std::move(state)), ctx_(std::move(ctx)) {}
  bool await_ready() const noexcept { return false; }
  bool await_suspend(std::coroutine_handle<> self) {
    handle = self;
    executor = &Executor::current();
    {
      ThreadLock lock(state_->mutex);
      if (state_->try_acquire()) return false;
      state_->push(this);
    }
    registration_ = ctx_.on_done([this] { state_->cancel(this); });
    return true;
  }
  Result<Unit> await_resume() {
    registration_ = {};
    if (cancelled) return Unexpected(ctx_.status());
    return Unit{};
  }

 private:
  std::shared_ptr<State> state_;
  Context ctx_;
  CancelRegistration registration_;
};

}  // namespace pintle::rt::detail

#include "rt/sync.h"

#include <atomic>

#include "rt/far_time.h"
#include "rt/runtime.h"
#include "rt/wait_list.h"

namespace pintle::rt {

namespace {

// The timer and the cancellation race for `fired_`; the winner resumes the task, on its executor.
class SleepAwaiter {
 public:
  SleepAwaiter(Context ctx, TimePoint when) : ctx_(std::move(ctx)), when_(when) {}
  bool await_ready() const noexcept { return false; }
  void await_suspend(std::coroutine_handle<> self) {
    handle_ = self;
    executor_ = &Executor::current();
    timer_ = executor_->post_at(when_, [this] {
      if (!fired_.exchange(true)) handle_.resume();
    });
    registration_ = ctx_.on_done([this] {
      if (fired_.exchange(true)) return;
      cancelled_ = true;
      executor_->cancel_timer(timer_);
      executor_->post(handle_);
    });
  }
  Result<Unit> await_resume() {
    registration_ = {};
    if (cancelled_) return Unexpected(ctx_.status());
    return Unit{};
  }

 private:
  Context ctx_;
  TimePoint when_;
  std::coroutine_handle<> handle_;
  Executor* executor_ = nullptr;
  TimerId timer_ = 0;
  std::atomic<bool> fired_ = false;
  bool cancelled_ = false;
  CancelRegistration registration_;
};

struct YieldAwaiter {
  bool await_ready() const noexcept { return false; }
  void await_suspend(std::coroutine_handle<> self) const { Executor::current().post(self); }
  void await_resume() const noexcept {}
};

}  // namespace

Task<Result<Unit>> sleep_until(Context ctx, TimePoint when) {
  if (ctx.done()) co_return Unexpected(ctx.status());
  co_return co_await SleepAwaiter(ctx, when);
}

Task<Result<Unit>> sleep_for(Context ctx, Duration duration) {
  const TimePoint when = after(Executor::current().runtime().clock().now(), duration);
  if (ctx.done()) co_return Unexpected(ctx.status());
  co_return co_await SleepAwaiter(ctx, when);
}

Task<void> yield() { co_await YieldAwaiter{}; }

struct Event::State : detail::WaitList {
  bool set = false;
  bool try_acquire() const { return set; }
};

Event::Event() : state_(std::make_shared<State>()) {}
Event::~Event() = default;

void Event::set() {
  detail::WokenList woken;
  {
    ThreadLock lock(state_->mutex);
    state_->set = true;
    while (detail::Waiter* waiter = state_->pop()) woken.push(waiter);
  }
  woken.post();
}

void Event::reset() {
  ThreadLock lock(state_->mutex);
  state_->set = false;
}

bool Event::is_set() const {
  ThreadLock lock(state_->mutex);
  return state_->set;
}

Task<Result<Unit>> Event::wait(Context ctx) {
  auto state = state_;
  co_return co_await detail::WaitAwaiter<State>(std::move(state), ctx);
}

// An unlock with waiters hands the lock to the first of them, so it stays locked in between.
struct AsyncMutex::State : detail::WaitList {
  bool locked = false;
  bool try_acquire() { return !std::exchange(locked, true); }
  void unlock() {
    ThreadLock guard(mutex);
    if (detail::Waiter* waiter = pop()) {
      waiter->executor->post(waiter->handle);
    } else {
      locked = false;
    }
  }
};

AsyncMutex::AsyncMutex() : state_(std::make_shared<State>()) {}
AsyncMutex::~AsyncMutex() = default;

AsyncMutex::Lock& AsyncMutex::Lock::operator=(Lock&& other) noexcept {
  if (this != &other) {
    if (state_) state_->unlock();
    state_ = std::move(other.state_);
  }
  return *this;
}

AsyncMutex::Lock::~Lock() {
  if (state_) state_->unlock();
}

Task<Result<AsyncMutex::Lock>> AsyncMutex::lock(Context ctx) {
  auto state = state_;
  CO_TRY(co_await detail::WaitAwaiter<State>(state, ctx));
  Lock lock;
  lock.state_ = std::move(state);
  co_return std::move(lock);
}

}  // namespace pintle::rt

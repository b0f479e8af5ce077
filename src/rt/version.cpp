#include "rt/version.h"

#include <atomic>

#include "rt/wait_list.h"

namespace pintle::rt {

namespace {
// A waiter with what it waits for.
struct Threshold : detail::Waiter {
  uint64_t at_least = 0;
};
}  // namespace

struct Version::State : detail::WaitList {
  std::atomic<uint64_t> value;

  explicit State(uint64_t start) : value(start) {}
  // The result is posted after the mutex.
  detail::WokenList raise(uint64_t to) REQUIRES(mutex) {
    detail::WokenList woken;
    value.store(to, std::memory_order_release);
    for (detail::Waiter* waiter = first; waiter;) {
      detail::Waiter* next = waiter->next;
      if (static_cast<Threshold*>(waiter)->at_least <= to) {
        unlink(waiter);
        woken.push(waiter);
      }
      waiter = next;
    }
    return woken;
  }

  class Awaiter : Threshold {
   public:
    Awaiter(std::shared_ptr<State> state, Context ctx, uint64_t wanted) : state_(std::move(state)), ctx_(std::move(ctx)) { at_least = wanted; }
    bool await_ready() const noexcept { return state_->value.load(std::memory_order_acquire) >= at_least; }
    bool await_suspend(std::coroutine_handle<> self) {
      handle = self;
      executor = &Executor::current();
      {
        ThreadLock lock(state_->mutex);
        if (state_->value >= at_least) return false;
        state_->push(this);
      }
      registration_ = ctx_.on_done([this] { state_->cancel(this); });
      return true;
    }
    Result<uint64_t> await_resume() {
      registration_ = {};
      if (cancelled) return Unexpected(ctx_.status());
      return state_->value.load(std::memory_order_acquire);
    }

   private:
    std::shared_ptr<State> state_;
    Context ctx_;
    CancelRegistration registration_;
  };
};

Version::Version(uint64_t value) : state_(std::make_shared<State>(value)) {}
Version::~Version() = default;

uint64_t Version::value() const { return state_->value.load(std::memory_order_acquire); }

void Version::advance_to(uint64_t value) {
  const auto state = state_;  // who sees the value may destroy the Version
  detail::WokenList woken;
  {
    ThreadLock lock(state->mutex);
    if (value > state->value) woken = state->raise(value);
  }
  woken.post();
}

uint64_t Version::increment() {
  const auto state = state_;
  detail::WokenList woken;
  uint64_t next = 0;
  {
    ThreadLock lock(state->mutex);
    next = state->value + 1;
    woken = state->raise(next);
  }
  woken.post();
  return next;
}

Task<Result<uint64_t>> Version::wait(Context ctx, uint64_t at_least) {
  auto state = state_;
  co_return co_await State::Awaiter(std::move(state), ctx, at_least);
}

}  // namespace pintle::rt

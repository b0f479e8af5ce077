#include "rt/context.h"

#include <atomic>
#include <thread>

#include "base/mutex.h"
#include "rt/executor.h"
#include "rt/far_time.h"
#include "rt/runtime.h"

namespace pintle::rt {

namespace detail {

// One registered callback: owned by its registration, linked into the context until it runs.
struct CancelNode {
  CancelNode* prev = nullptr;
  CancelNode* next = nullptr;
  bool linked = false;
  std::function<void()> callback;
};

struct ContextState : std::enable_shared_from_this<ContextState> {
  ThreadMutex mutex;
  std::atomic<bool> done = false;
  Reason reason = Reason::Cancelled;
  CancelNode* first GUARDED_BY(mutex) = nullptr;
  CancelNode* last GUARDED_BY(mutex) = nullptr;
  // The callback that cancel() is running right now, and where.
  CancelNode* running GUARDED_BY(mutex) = nullptr;
  std::thread::id running_thread GUARDED_BY(mutex);
  std::optional<TimePoint> deadline;
  // The deadline's timer; timer 0: none.
  Executor* executor = nullptr;
  TimerId timer = 0;
  CancelRegistration from_parent;

  ~ContextState() {
    from_parent.reset();
    if (timer != 0) executor->cancel_timer(timer);
  }

  void link(CancelNode* node) REQUIRES(mutex) {
    node->linked = true;
    node->prev = last;
    (last ? last->next : first) = node;
    last = node;
  }
  void unlink(CancelNode* node) REQUIRES(mutex) {
    (node->prev ? node->prev->next : first) = node->next;
    (node->next ? node->next->prev : last) = node->prev;
    node->linked = false;
  }

  void finish(Reason why) {
    ThreadLock lock(mutex);
    if (done) return;
    reason = why;
    done.store(true, std::memory_order_release);
    while (first) {
      CancelNode* node = first;
      unlink(node);
      running = node;
      running_thread = std::this_thread::get_id();
      auto callback = std::move(node->callback);
      lock.unlock();
      callback();
      callback = nullptr;
      lock.lock();
      running = nullptr;
    }
  }
};

}  // namespace detail

using detail::CancelNode;
using detail::ContextState;

CancelRegistration::CancelRegistration() = default;
CancelRegistration::CancelRegistration(CancelRegistration&&) noexcept = default;
CancelRegistration& CancelRegistration::operator=(CancelRegistration&& other) noexcept {
  if (this != &other) {
    reset();
    state_ = std::move(other.state_);
    node_ = std::move(other.node_);
  }
  return *this;
}
CancelRegistration::~CancelRegistration() { reset(); }

void CancelRegistration::reset() {
  if (!node_) return;
  {
    ThreadLock lock(state_->mutex);
    if (node_->linked) state_->unlink(node_.get());
    while (state_->running == node_.get() && state_->running_thread != std::this_thread::get_id()) {
      lock.unlock();
      std::this_thread::yield();
      lock.lock();
    }
  }
  node_.reset();
  state_.reset();
}

Context Context::background() { return Context(nullptr); }

Context Context::child() const {
  auto state = std::make_shared<ContextState>();
  if (state_) {
    state->deadline = state_->deadline;
    ContextState* parent = state_.get();
    ContextState* self = state.get();
    // The registration keeps both pointers good; a callback of the child's may drop the last reference to it.
    state->from_parent = on_done([parent, self] {
      if (const auto alive = self->weak_from_this().lock()) alive->finish(parent->reason);
    });
  }
  return Context(std::move(state));
}

Context Context::with_deadline(TimePoint deadline) const {
  Context made = child();
  ContextState& state = *made.state_;
  if (state.deadline && *state.deadline <= deadline) return made;  // the parent ends first
  state.deadline = deadline;
  if (made.done()) return made;
  Executor& executor = Executor::current();
  state.executor = &executor;
  std::weak_ptr<ContextState> weak = made.state_;
  state.timer = executor.post_at(deadline, [weak = std::move(weak)] {
    if (auto alive = weak.lock()) alive->finish(Reason::Timeout);
  });
  return made;
}

Context Context::with_timeout(Duration timeout) const { return with_deadline(after(Executor::current().runtime().clock().now(), timeout)); }

bool Context::done() const { return state_ && state_->done.load(std::memory_order_acquire); }

std::optional<TimePoint> Context::deadline() const { return state_ ? state_->deadline : std::nullopt; }

Status Context::status() const {
  CHECK(done(), "status() of a context that is not done");
  if (state_->reason == Reason::Timeout) return Status{Reason::Timeout, 0, "context deadline exceeded", {}};
  return Status{Reason::Cancelled, 0, "context canceled", {}};
}

void Context::cancel() const {
  const auto state = state_;  // a callback may drop this Context
  if (state) state->finish(Reason::Cancelled);
}

CancelRegistration Context::on_done(std::function<void()> callback) const {
  CancelRegistration registration;
  if (!state_) return registration;
  {
    ThreadLock lock(state_->mutex);
    if (!state_->done) {
      registration.node_ = std::make_unique<CancelNode>();
      registration.node_->callback = std::move(callback);
      registration.state_ = state_;
      state_->link(registration.node_.get());
      return registration;
    }
  }
  callback();
  return registration;
}

}  // namespace pintle::rt

// Context: the deadline and the cancellation of a piece of work, passed by value to everything that may wait.
// A child is cancelled with its parent; its deadline is never later. Cheap to copy. Thread-safe.
#pragma once

#include <functional>
#include <memory>
#include <optional>

#include "base/status.h"
#include "rt/clock.h"

namespace pintle::rt {

class Executor;

namespace detail {
struct ContextState;
struct CancelNode;
}  // namespace detail

// Ends its registration when destroyed; afterwards the callback does not run (if it is running on another thread, the
// destructor waits for it; inside the callback itself it returns at once).
class CancelRegistration {
 public:
  CancelRegistration();
  CancelRegistration(CancelRegistration&&) noexcept;
  CancelRegistration& operator=(CancelRegistration&&) noexcept;
  ~CancelRegistration();

 private:
  friend class Context;
  friend struct detail::ContextState;
  void reset();
  std::shared_ptr<detail::ContextState> state_;
  std::unique_ptr<detail::CancelNode> node_;
};

class Context {
 public:
  // Never cancelled, no deadline.
  static Context background();

  // A child that can be cancelled by itself through cancel().
  Context child() const;
  // A child that cancels itself at `deadline`, by a timer on the current executor (the one of the calling task).
  Context with_deadline(TimePoint deadline) const;
  Context with_timeout(Duration timeout) const;

  bool done() const;
  std::optional<TimePoint> deadline() const;
  // Why it is done: Reason::Cancelled, or Reason::Timeout past the deadline. Call only when done().
  Status status() const;
  // Cancels this context and its children. Idempotent. No effect on background().
  void cancel() const;
  // Runs `callback` once, on the thread that cancels, when this context is done (at once, if it already is).
  CancelRegistration on_done(std::function<void()> callback) const;
  // The same for copies of one context, and for no other as long as a copy or a registration lives.
  const void* identity() const { return state_.get(); }

 private:
  explicit Context(std::shared_ptr<detail::ContextState> state) : state_(std::move(state)) {}
  std::shared_ptr<detail::ContextState> state_;
};

}  // namespace pintle::rt

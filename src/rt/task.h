// Task<T>: a lazy coroutine with one awaiter. It starts when awaited (or given to TaskGroup::spawn) and runs on the
// executor on which it was started; every primitive of rt resumes it there. A Task that has started runs to its end:
// cancel its Context and wait for it, never destroy it while it is suspended. Our code throws nothing; what escapes all the
// same (a library's, std::bad_alloc) goes to the awaiter, and ends the process where nobody awaits. A loop that awaits tasks which end without
// suspending does not grow the stack.
#pragma once

#include <coroutine>
#include <exception>
#include <optional>
#include <utility>

#include "base/check.h"

namespace pintle::rt {

template <class T = void>
class Task;

namespace detail {

struct FinalAwaiter {
  bool await_ready() const noexcept { return false; }
  template <class Promise>
  std::coroutine_handle<> await_suspend(std::coroutine_handle<Promise> self) const noexcept {
    auto& promise = self.promise();
    if (promise.starting) {
      promise.finished = true;
      return std::noop_coroutine();
    }
    return promise.continuation;
  }
  void await_resume() const noexcept {}
};

struct PromiseBase {
  std::coroutine_handle<> continuation = std::noop_coroutine();
  // The awaiter is still inside await_suspend(): ending now returns to it instead of resuming it. No race: whatever
  // resumes this task later does so on the same thread.
  bool starting = false;
  bool finished = false;
  std::exception_ptr escaped;
  std::suspend_always initial_suspend() const noexcept { return {}; }
  FinalAwaiter final_suspend() const noexcept { return {}; }
  void unhandled_exception() noexcept { escaped = std::current_exception(); }
  void pass_on() {
    if (escaped) [[unlikely]]
      std::rethrow_exception(std::exchange(escaped, nullptr));
  }
};

template <class T>
struct Promise : PromiseBase {
  std::optional<T> value;
  Task<T> get_return_object();
  template <class U>
  void return_value(U&& v) {
    value.emplace(std::forward<U>(v));
  }
  T take() {
    pass_on();
    return std::move(*value);
  }
};

template <>
struct Promise<void> : PromiseBase {
  Task<void> get_return_object();
  void return_void() const noexcept {}
  void take() { pass_on(); }
};

}  // namespace detail

template <class T>
class [[nodiscard]] Task {
 public:
  using promise_type = detail::Promise<T>;
  using Handle = std::coroutine_handle<promise_type>;

  Task() = default;
  explicit Task(Handle handle) : handle_(handle) {}
  Task(Task&& other) noexcept : handle_(std::exchange(other.handle_, {})) {}
  Task& operator=(Task&& other) noexcept {
    if (this != &other) {
      if (handle_) handle_.destroy();
      handle_ = std::exchange(other.handle_, {});
    }
    return *this;
  }
  ~Task() {
    if (handle_) handle_.destroy();
  }

  bool valid() const { return static_cast<bool>(handle_); }
  bool await_ready() const noexcept { return false; }
  bool await_suspend(std::coroutine_handle<> awaiter) noexcept {
    CHECK(handle_, "await of an empty Task");
    auto& promise = handle_.promise();
    promise.continuation = awaiter;
    promise.starting = true;
    handle_.resume();
    promise.starting = false;
    return !promise.finished;
  }
  T await_resume() { return handle_.promise().take(); }

 private:
  Handle handle_;
};

template <class T>
Task<T> detail::Promise<T>::get_return_object() {
  return Task<T>(std::coroutine_handle<Promise<T>>::from_promise(*this));
}
inline Task<void> detail::Promise<void>::get_return_object() { return Task<void>(std::coroutine_handle<Promise<void>>::from_promise(*this)); }

}  // namespace pintle::rt

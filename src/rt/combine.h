// Several tasks as one. All of them run to their end before the combination does: nothing is left behind. An exception of one of them is the
// combination's.
#pragma once

#include <exception>
#include <functional>
#include <memory>
#include <optional>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

#include "rt/detached.h"
#include "rt/sync.h"

namespace pintle::rt {

namespace detail {
// What became of a task that runs under another root than its awaiter's.
template <class T>
struct Outcome {
  std::conditional_t<std::is_void_v<T>, std::monostate, std::optional<T>> value;
  std::exception_ptr escaped;

  Task<void> of(Task<T> task) {
    try {
      if constexpr (std::is_void_v<T>) {
        co_await task;
      } else {
        value.emplace(co_await task);
      }
    } catch (...) {
      escaped = std::current_exception();
    }
  }
  T take() {
    if (escaped) [[unlikely]]
      std::rethrow_exception(escaped);
    if constexpr (!std::is_void_v<T>) return std::move(*value);
  }
};

template <class T>
Task<void> store_first(Task<Result<T>> task, Outcome<Result<T>>* out, Context others) {
  Outcome<Result<T>> mine;
  co_await mine.of(std::move(task));
  if (!out->value && !out->escaped) *out = std::move(mine);
  others.cancel();
}
}  // namespace detail

// Runs them at the same time on this executor; the results in the order of the tasks.
template <class T>
Task<std::vector<T>> when_all(std::vector<Task<T>> tasks) {
  std::vector<detail::Outcome<T>> results(tasks.size());
  TaskGroup group;
  for (std::size_t i = 0; i < tasks.size(); ++i) group.spawn(results[i].of(std::move(tasks[i])));
  co_await group.join();
  std::vector<T> out;
  out.reserve(results.size());
  for (auto& result : results) out.push_back(result.take());
  co_return std::move(out);
}
inline Task<void> when_all(std::vector<Task<void>> tasks) {
  std::vector<detail::Outcome<void>> results(tasks.size());
  TaskGroup group;
  for (std::size_t i = 0; i < tasks.size(); ++i) group.spawn(results[i].of(std::move(tasks[i])));
  co_await group.join();
  for (auto& result : results) result.take();
}

// The result of whichever ends first; the context that the others were given is cancelled then, and they are waited for.
// `starts` is not empty; each function is called once, at the start.
template <class T>
Task<Result<T>> when_any(Context ctx, std::vector<std::function<Task<Result<T>>(Context)>> starts) {
  CHECK(!starts.empty(), "when_any of nothing");
  const Context race = ctx.child();
  detail::Outcome<Result<T>> first;
  TaskGroup group;
  for (auto& start : starts) group.spawn(detail::store_first<T>(start(race), &first, race));
  co_await group.join();
  co_return first.take();
}

namespace detail {
// Runs `task` on another executor while the awaiting task is suspended on its own.
template <class T>
struct RunOnAwaiter {
  Executor& target;
  Task<T> task;
  Outcome<T> outcome;

  static Detached run(RunOnAwaiter* self, std::coroutine_handle<> awaiting, Executor* home) {
    {
      Task<T> running = std::move(self->task);
      try {
        if constexpr (std::is_void_v<T>) {
          co_await running;
        } else {
          self->outcome.value.emplace(co_await running);
        }
      } catch (...) {
        self->outcome.escaped = std::current_exception();
      }
    }
    home->post(awaiting);
  }
  bool await_ready() const noexcept { return false; }
  void await_suspend(std::coroutine_handle<> awaiting) { target.post(run(this, awaiting, &Executor::current()).handle); }
  T await_resume() { return outcome.take(); }
};
}  // namespace detail

// Runs a task (not yet started) on `target`, whose state it may then touch without a lock; the caller resumes on its own
// executor with the result. At once, without a hop, when it is there already.
template <class T>
Task<T> run_on(Executor& target, Task<T> task) {
  if (&target == &Executor::current()) co_return co_await task;
  detail::RunOnAwaiter<T> awaiter{target, std::move(task), {}};
  co_return co_await awaiter;
}

}  // namespace pintle::rt

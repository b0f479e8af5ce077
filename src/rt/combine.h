// Several tasks as one. All of them run to their end before the combination does: nothing is left behind.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <type_traits>
#include <vector>

#include "rt/detached.h"
#include "rt/sync.h"

namespace pintle::rt {

namespace detail {
template <class T>
Task<void> store_result(Task<T> task, std::optional<T>* out) {
  out->emplace(co_await task);
}
template <class T>
Task<void> store_first(Task<Result<T>> task, std::optional<Result<T>>* out, Context others) {
  auto result = co_await task;
  if (!*out) out->emplace(std::move(result));
  others.cancel();
}
}  // namespace detail

// Runs them at the same time on this executor; the results in the order of the tasks.
template <class T>
Task<std::vector<T>> when_all(std::vector<Task<T>> tasks) {
  std::vector<std::optional<T>> results(tasks.size());
  TaskGroup group;
  for (std::size_t i = 0; i < tasks.size(); ++i) group.spawn(detail::store_result<T>(std::move(tasks[i]), &results[i]));
  co_await group.join();
  std::vector<T> out;
  out.reserve(results.size());
  for (auto& result : results) out.push_back(std::move(*result));
  co_return std::move(out);
}
inline Task<void> when_all(std::vector<Task<void>> tasks) {
  TaskGroup group;
  for (auto& task : tasks) group.spawn(std::move(task));
  co_await group.join();
}

// The result of whichever ends first; the context that the others were given is cancelled then, and they are waited for.
// `starts` is not empty; each function is called once, at the start.
template <class T>
Task<Result<T>> when_any(Context ctx, std::vector<std::function<Task<Result<T>>(Context)>> starts) {
  CHECK(!starts.empty(), "when_any of nothing");
  const Context race = ctx.child();
  std::optional<Result<T>> first;
  TaskGroup group;
  for (auto& start : starts) group.spawn(detail::store_first<T>(start(race), &first, race));
  co_await group.join();
  co_return std::move(*first);
}

namespace detail {
// Runs `task` on another executor while the awaiting task is suspended on its own.
template <class T>
struct RunOnAwaiter {
  Executor& target;
  Task<T> task;
  std::optional<T> result;

  static Detached run(RunOnAwaiter* self, std::coroutine_handle<> awaiting, Executor* home) {
    {
      Task<T> running = std::move(self->task);
      self->result.emplace(co_await running);
    }
    home->post(awaiting);
  }
  bool await_ready() const noexcept { return false; }
  void await_suspend(std::coroutine_handle<> awaiting) { target.post(run(this, awaiting, &Executor::current()).handle); }
  T await_resume() { return std::move(*result); }
};
template <>
struct RunOnAwaiter<void> {
  Executor& target;
  Task<void> task;

  static Detached run(RunOnAwaiter* self, std::coroutine_handle<> awaiting, Executor* home) {
    {
      Task<void> running = std::move(self->task);
      co_await running;
    }
    home->post(awaiting);
  }
  bool await_ready() const noexcept { return false; }
  void await_suspend(std::coroutine_handle<> awaiting) { target.post(run(this, awaiting, &Executor::current()).handle); }
  void await_resume() const noexcept {}
};
}  // namespace detail

// Runs a task (not yet started) on `target`, whose state it may then touch without a lock; the caller resumes on its own
// executor with the result. At once, without a hop, when it is there already.
template <class T>
Task<T> run_on(Executor& target, Task<T> task) {
  if (&target == &Executor::current()) co_return co_await task;
  detail::RunOnAwaiter<T> awaiter{target, std::move(task)};
  co_return co_await awaiter;
}

}  // namespace pintle::rt

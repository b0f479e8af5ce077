// For tests, of any folder: runs a task to its end on a fresh runtime and returns its result.
//   EXPECT_EQ(rt::testing::run_task(add(1, 2)), 3);                       // real time, real sockets
//   EXPECT_EQ(rt::testing::run_sim(add(1, 2), 42), 3);                    // virtual time, seed 42
//   rt::testing::run_task([&]() -> rt::Task<void> { ... }, {.threads = 2});
// In the second form the function is called on the executor and outlives its coroutine, so it may capture.
#pragma once

#include <concepts>
#include <functional>
#include <optional>
#include <type_traits>

#include "rt/runtime.h"
#include "rt/task.h"

namespace pintle::rt::testing {

struct RunOptions {
  std::size_t threads = 1;
};

namespace detail {
void run_real(std::function<Task<void>()> main, RunOptions options);
// The run's whole event log is appended to `log` if it is given. Ends the process with the log's tail on a deadlock.
void run_simulated(std::function<Task<void>()> main, uint64_t seed, std::string* log);

template <class T>
Task<void> keep(Task<T> task, std::optional<T>* out) {
  out->emplace(co_await task);
}
template <class T>
struct task_value;
template <class T>
struct task_value<Task<T>> {
  using type = T;
};
template <class F>
using value_of = typename task_value<std::invoke_result_t<F>>::type;

template <class F, class Run>
value_of<F> run(F main, Run run_on) {
  if constexpr (std::is_void_v<value_of<F>>) {
    run_on([&main] { return main(); });
  } else {
    std::optional<value_of<F>> out;
    run_on([&main, &out] { return keep<value_of<F>>(main(), &out); });
    return std::move(*out);
  }
}
}  // namespace detail

template <class F>
  requires std::invocable<F>
auto run_task(F main, RunOptions options = {}) {
  return detail::run(std::move(main), [&](std::function<Task<void>()> f) { detail::run_real(std::move(f), options); });
}
template <class T>
T run_task(Task<T> task, RunOptions options = {}) {
  return run_task([&task] { return std::move(task); }, options);
}

template <class F>
  requires std::invocable<F>
auto run_sim(F main, uint64_t seed = 1, std::string* log = nullptr) {
  return detail::run(std::move(main), [&](std::function<Task<void>()> f) { detail::run_simulated(std::move(f), seed, log); });
}
template <class T>
T run_sim(Task<T> task, uint64_t seed = 1, std::string* log = nullptr) {
  return run_sim([&task] { return std::move(task); }, seed, log);
}

}  // namespace pintle::rt::testing

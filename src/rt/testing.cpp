#include "rt/testing.h"

#include "rt/sim/simulation.h"

namespace pintle::rt::testing::detail {

namespace {

Task<int> run_main(std::function<Task<void>()>* main) {
  Task<void> task = (*main)();
  co_await task;
  co_return 0;
}

}  // namespace

void run_real(std::function<Task<void>()> main, RunOptions options) {
  make_real_runtime({.threads = options.threads})->run([&main] { return run_main(&main); });
}

void run_simulated(std::function<Task<void>()> main, uint64_t seed, std::string* log) {
  Simulation simulation({.seed = seed});
  Machine& machine = simulation.add_machine({.executors = 2});
  const auto ended = simulation.run(machine, std::move(main));
  if (log) *log += simulation.log().text();
  CHECK(ended, ended ? "" : ended.error().message);
}

}  // namespace pintle::rt::testing::detail

#include "rt/testing.h"

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

}  // namespace pintle::rt::testing::detail

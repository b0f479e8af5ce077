#include "component/crash_report.h"

#include <gtest/gtest.h>

#include <csignal>
#include <cstring>
#include <thread>

#include "rt/runtime.h"
#include "rt/signal_stack.h"

namespace pintle::component {
namespace {

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr bool sanitized = true;
#else
constexpr bool sanitized = false;
#endif

// Fills the stack, whatever the optimizer thinks of it.
[[gnu::noinline]] int fill_stack(int depth) {
  volatile char frame[512];
  std::memset(const_cast<char*>(frame), depth, sizeof frame);
  return depth < 0 ? 0 : fill_stack(depth + 1) + frame[depth % 512];
}

rt::Task<int> fill_on_executor() {
  fill_stack(1);
  co_return 0;
}
rt::Task<int> fill_on_pool() {
  co_await rt::Executor::current().runtime().run_blocking([] { fill_stack(1); });
  co_return 0;
}

// `overflow` in a process of its own, which a signal must end that told of itself.
void check_told(void (*overflow)()) {
  if (sanitized) GTEST_SKIP() << "the sanitizer reports";
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  EXPECT_EXIT(
      {
        report_crashes();
        overflow();
      },
      testing::KilledBySignal(SIGSEGV), "pintle: ended by signal 11, the stack is full; addr2line names the addresses:\n.*0x");
}

TEST(CrashReport, MainThreadsStack) {
  check_told([] { fill_stack(1); });
}
TEST(CrashReport, ExecutorsStack) {
  check_told([] { rt::make_real_runtime({.threads = 2})->run(fill_on_executor); });
}
TEST(CrashReport, PoolsStack) {
  check_told([] { rt::make_real_runtime({.threads = 1})->run(fill_on_pool); });
}
TEST(CrashReport, ThreadWithASignalStack) {
  check_told([] {
    std::thread([] {
      const rt::SignalStack signals;
      fill_stack(1);
    }).join();
  });
}
TEST(CrashReport, AbortIsNoFullStack) {
  if (sanitized) GTEST_SKIP() << "the sanitizer reports";
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  EXPECT_EXIT(
      {
        report_crashes();
        std::abort();
      },
      testing::KilledBySignal(SIGABRT), "pintle: ended by signal 6; addr2line");
}

}  // namespace
}  // namespace pintle::component

#include "rt/runtime.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <csignal>
#include <set>
#include <thread>

#include "rt/sync.h"
#include "rt/test_backends.h"

namespace pintle::rt {
namespace {

using namespace std::chrono_literals;

Task<int> answer() { co_return 42; }
TEST(RealRuntime, ReturnsWhatMainReturns) { EXPECT_EQ(make_real_runtime({.threads = 2})->run(answer), 42); }

Task<void> count_up(std::atomic<int>* sum) {
  Executor& mine = Executor::current();
  for (int i = 0; i < 10; ++i) {
    std::function<void()> work = [sum] { ++*sum; };
    co_await Executor::current().runtime().run_blocking(std::move(work));
    EXPECT_EQ(&Executor::current(), &mine);
  }
}
Task<void> blocking_work() {
  std::atomic<int> sum = 0;
  Runtime& runtime = Executor::current().runtime();
  TaskGroup group;
  for (std::size_t i = 0; i < 20; ++i) group.spawn_on(runtime.executor(i % runtime.executor_count()), count_up(&sum));
  co_await group.join();
  EXPECT_EQ(sum, 200);
}
TEST(Runtime, BlockingWorkResumesAtHome) { on_each_backend(blocking_work); }

Task<void> post_all() {
  Runtime& runtime = Executor::current().runtime();
  std::atomic<int> ran = 0;
  Event done;
  for (int i = 0; i < 1000; ++i)
    runtime.executor(static_cast<std::size_t>(i) % runtime.executor_count()).post([&] {
      if (++ran == 1000) done.set();
    });
  (void)co_await done.wait(Context::background());
  EXPECT_EQ(ran, 1000);
}
TEST(Executor, Posts) { on_each_backend(post_all); }

Task<void> timers() {
  Executor& executor = Executor::current();
  const TimePoint now = executor.runtime().clock().now();
  bool cancelled_ran = false;
  Event fired;
  const TimerId id = executor.post_at(now + 1ms, [&] { cancelled_ran = true; });
  executor.post_at(now + 5ms, [&] { fired.set(); });
  EXPECT_TRUE(executor.cancel_timer(id));
  EXPECT_FALSE(executor.cancel_timer(id));
  (void)co_await fired.wait(Context::background());
  EXPECT_FALSE(cancelled_ran);
  EXPECT_GE(executor.runtime().clock().now() - now, 5ms);
}
TEST(Executor, Timers) { on_each_backend(timers); }

Task<void> draw() {
  Random& random = Executor::current().runtime().random();
  std::set<uint64_t> seen;
  for (int i = 0; i < 1000; ++i) seen.insert(random.next_u64());
  EXPECT_EQ(seen.size(), 1000u);
  for (int i = 0; i < 1000; ++i) EXPECT_LT(random.below(7), 7u);
  std::vector<std::byte> large(1000);
  random.fill(large);
  EXPECT_FALSE(std::ranges::all_of(large, [](std::byte b) { return b == std::byte{0}; }));
  co_return;
}
TEST(Runtime, Random) { on_each_backend(draw); }

Task<void> raise_later(int number) {
  (void)co_await sleep_for(Context::background(), 5ms);
  ::raise(number);
}
Task<void> catch_signal() {
  TaskGroup group;
  group.spawn(raise_later(SIGUSR1));
  std::vector<int> signals{SIGUSR1, SIGUSR2};
  auto got = co_await wait_signal(Context::background().with_timeout(10s), signals);
  EXPECT_EQ(got.value_or(0), SIGUSR1);
  auto none = co_await wait_signal(Context::background().with_timeout(5ms), std::move(signals));
  EXPECT_EQ(none.error().reason, Reason::Timeout);
  co_await group.join();
}
TEST(RealRuntime, WaitSignal) {
  testing::run_task([] { return catch_signal(); }, {.threads = 2});
}

}  // namespace
}  // namespace pintle::rt

#include "rt/held.h"

#include <gtest/gtest.h>
#include <time.h>

#include <atomic>
#include <set>
#include <string>
#include <thread>

#include "rt/combine.h"
#include "rt/sync.h"
#include "rt/testing.h"

namespace pintle::rt {
namespace {

using namespace std::chrono_literals;

std::atomic<int> told = 0;
std::string told_work;
Duration told_processor{};

void observe(const Held& held) {
  ++told;
  told_work = held.work;
  told_processor = held.processor;
}

uint64_t count_of_all() {
  uint64_t sum = 0;
  for (const HeldTotals& of : held_totals()) sum += of.count;
  return sum;
}

void use_processor(Duration wanted) {
  const auto used = [] {
    timespec now{};
    ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return std::chrono::seconds(now.tv_sec) + std::chrono::nanoseconds(now.tv_nsec);
  };
  const auto end = used() + wanted;
  while (used() < end) {
  }
}

Task<void> one_step(Duration work, Duration wait) {
  co_await yield();
  note_work("PATCH", "/api/v1/x");
  use_processor(work);
  std::this_thread::sleep_for(wait);
  co_await yield();
}
Task<void> many_steps(int count, Duration each) {
  for (int i = 0; i < count; ++i) {
    use_processor(each);
    co_await yield();
  }
}

// How many steps of `task` were told of.
template <class F>
uint64_t holds_of(F make) {
  observe_held(observe);
  told = 0;
  const uint64_t before = count_of_all();
  testing::run_task([&] { return make(); });
  observe_held(nullptr);
  EXPECT_EQ(count_of_all() - before, static_cast<uint64_t>(told.load()));
  return count_of_all() - before;
}

TEST(Held, AStepOfOver100MsIsCountedAndTold) {
  EXPECT_EQ(holds_of([] { return one_step(150ms, 0ms); }), 1u);
  EXPECT_EQ(told_work, "PATCH /api/v1/x");
  EXPECT_GE(told_processor, 150ms);
  EXPECT_GE(held_totals()[0].longest, 150ms);
}
TEST(Held, ShorterStepsAreNot) {
  EXPECT_EQ(holds_of([] { return one_step(60ms, 0ms); }), 0u);
  EXPECT_EQ(holds_of([] { return many_steps(30, 10ms); }), 0u);
}
// A thread that waits for its processor looks like this one to the watch.
TEST(Held, WaitingIsNobodysFault) {
  EXPECT_EQ(holds_of([] { return one_step(10ms, 200ms); }), 0u);
}
TEST(Held, ANoteIsCutAndForgotten) {
  EXPECT_EQ(holds_of([]() -> Task<void> {
              note_work("GET", std::string(500, 'x'));
              use_processor(150ms);
              co_await yield();
            }),
            1u);
  EXPECT_EQ(told_work.size(), work_note_max);
  EXPECT_EQ(holds_of([]() -> Task<void> {
              note_work("GET", "/");
              co_await yield();
              use_processor(150ms);
              co_await yield();
            }),
            1u);
  EXPECT_EQ(told_work, "");
}

Runtime& runtime() { return Executor::current().runtime(); }
Task<Executor*> where(Duration work) {
  use_processor(work);
  co_return &Executor::current();
}
// Long work, several at once, while the executor that sends it does what comes in between.
Task<void> sent_away() {
  Executor* const home = &Executor::current();
  std::set<Executor*> seen;
  for (std::size_t i = 0; i < 2 * runtime().executor_count(); ++i) {
    const auto held = i == 0 ? 150ms : 0ms;
    seen.insert(co_await run_on(runtime().long_executor(), where(held)));
  }
  EXPECT_EQ(&Executor::current(), home);
  EXPECT_EQ(seen.size(), std::max<std::size_t>(runtime().executor_count() / 2, 1));
  for (std::size_t i = 0; i < runtime().executor_count(); ++i) EXPECT_FALSE(seen.contains(&runtime().executor(i)));
}
TEST(LongExecutor, IsNoneOfTheOthersAndMayBeHeld) { EXPECT_EQ(holds_of(sent_away), 0u); }
Task<void> held_for_too_long() { (void)co_await run_on(runtime().long_executor(), where(1100ms)); }
TEST(LongExecutor, OverASecondIsCounted) { EXPECT_EQ(holds_of(held_for_too_long), 1u); }
TEST(LongExecutor, IsAnyOneInTheSimulation) {
  testing::run_sim([]() -> Task<void> {
    EXPECT_EQ(&runtime().long_executor(), &runtime().executor(0));
    co_return;
  });
}

}  // namespace
}  // namespace pintle::rt

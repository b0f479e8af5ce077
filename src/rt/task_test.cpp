#include "rt/task.h"

#include <gtest/gtest.h>

#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include "rt/combine.h"
#include "rt/sync.h"
#include "rt/test_backends.h"

namespace pintle::rt {
namespace {

Task<int> one() { co_return 1; }
Task<int> after_yield() {
  co_await yield();
  co_return 1;
}

Task<void> add_many(int* sum) {
  // Far deeper than a stack would allow if each task resumed the next.
  for (int i = 0; i < 300'000; ++i) *sum += co_await one();
  for (int i = 0; i < 10'000; ++i) *sum += co_await after_yield();
}

TEST(Task, LoopsOfTasksDoNotGrowTheStack) {
  int sum = 0;
  testing::run_task([&] { return add_many(&sum); });
  EXPECT_EQ(sum, 310'000);
}

Task<int> depth(int n) {
  if (n == 0) co_return 0;
  const int below = co_await depth(n - 1);
  co_return below + 1;
}
TEST(Task, Recursion) { EXPECT_EQ(testing::run_task(depth(1000)), 1000); }

Task<std::unique_ptr<int>> move_only(std::unique_ptr<int> in) { co_return std::move(in); }
TEST(Task, MovesItsValue) { EXPECT_EQ(*testing::run_task(move_only(std::make_unique<int>(7))), 7); }

TEST(Task, NeverAwaitedIsFreed) {
  auto token = std::make_shared<int>(1);
  {
    auto hold = [](std::shared_ptr<int> in) -> Task<int> { co_return *in; };
    Task<int> task = hold(token);
    EXPECT_EQ(token.use_count(), 2);
  }
  EXPECT_EQ(token.use_count(), 1);
}

// What a library throws reaches whoever waits, however the task is run; the others run to their end.
Task<int> throws(bool later) {
  if (later) co_await yield();
  throw std::runtime_error("escaped");
}
Task<void> throws_nothing_back(bool later) { co_await throws(later); }
Task<Result<int>> fails(Context) {
  co_await throws(true);
  co_return 1;
}
Task<Result<int>> waits(Context ctx) {
  (void)co_await sleep_for(std::move(ctx), std::chrono::hours(1));
  co_return 2;
}

template <class Start>
Task<std::string> caught(Start start) {
  std::string what = "nothing";
  try {
    co_await start();
  } catch (const std::runtime_error& failure) {
    what = failure.what();
  }
  co_return what;
}

TEST(Task, PassesOnWhatEscapes) {
  for (const bool later : {false, true}) {
    EXPECT_EQ(testing::run_task([=] { return caught([=] { return throws(later); }); }), "escaped");
    EXPECT_EQ(testing::run_task([=] { return caught([=] { return throws_nothing_back(later); }); }), "escaped");
  }
}

TEST(Task, CombinationsPassOnWhatEscapes) {
  const auto all = [] {
    std::vector<Task<int>> tasks;
    tasks.push_back(one());
    tasks.push_back(throws(true));
    tasks.push_back(after_yield());
    return when_all(std::move(tasks));
  };
  EXPECT_EQ(testing::run_task([=] { return caught(all); }), "escaped");
  const auto all_void = [] {
    std::vector<Task<void>> tasks;
    tasks.push_back(throws_nothing_back(false));
    return when_all(std::move(tasks));
  };
  EXPECT_EQ(testing::run_task([=] { return caught(all_void); }), "escaped");
  const auto any = [] { return when_any<int>(Context::background(), {waits, fails}); };
  EXPECT_EQ(testing::run_task([=] { return caught(any); }), "escaped");
}

}  // namespace
}  // namespace pintle::rt

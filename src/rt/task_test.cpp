#include "rt/task.h"

#include <gtest/gtest.h>

#include <memory>

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

}  // namespace
}  // namespace pintle::rt

// Version, when_all, when_any, run_on, RateLimiter, Backoff and retry.
#include <gtest/gtest.h>

#include <stdexcept>
#include <string>

#include "rt/backoff.h"
#include "rt/combine.h"
#include "rt/rate_limiter.h"
#include "rt/test_backends.h"
#include "rt/version.h"

namespace pintle::rt {
namespace {

using namespace std::chrono_literals;

Runtime& runtime() { return Executor::current().runtime(); }
Executor& other_executor() { return runtime().executor(runtime().executor_count() - 1); }

Task<void> wait_version(Version* version, uint64_t at_least, std::atomic<int>* woken) {
  auto value = co_await version->wait(Context::background(), at_least);
  EXPECT_GE(value.value_or(0), at_least);
  ++*woken;
}
Task<void> versions() {
  Version version(5);
  std::atomic<int> woken = 0;
  auto old = co_await version.wait(Context::background(), 3);
  EXPECT_EQ(old.value_or(0), 5u);
  TaskGroup early;
  TaskGroup late;
  for (int i = 0; i < 10; ++i) early.spawn_on(other_executor(), wait_version(&version, 6, &woken));
  for (int i = 0; i < 10; ++i) late.spawn(wait_version(&version, 100, &woken));
  EXPECT_EQ(version.increment(), 6u);
  co_await early.join();
  EXPECT_EQ(woken, 10);
  auto timed_out = co_await version.wait(Context::background().with_timeout(2ms), 7);
  EXPECT_EQ(timed_out.error().reason, Reason::Timeout);
  version.advance_to(200);
  version.advance_to(150);
  EXPECT_EQ(version.value(), 200u);
  co_await late.join();
  EXPECT_EQ(woken, 20);
}
TEST(Version, WakesWhomItSuffices) { on_each_backend(versions); }

Task<int> after(Duration duration, int value) {
  (void)co_await sleep_for(Context::background(), duration);
  co_return value;
}
Task<void> all() {
  std::vector<Task<int>> tasks;
  for (int i = 0; i < 5; ++i) tasks.push_back(after(std::chrono::milliseconds(5 - i), i));
  auto results = co_await when_all(std::move(tasks));
  EXPECT_EQ(results, (std::vector<int>{0, 1, 2, 3, 4}));
}
TEST(WhenAll, KeepsOrder) { on_each_backend(all); }

Task<Result<int>> race_for(Context ctx, Duration duration, int value, std::atomic<int>* cancelled) {
  auto slept = co_await sleep_for(ctx, duration);
  if (!slept) {
    ++*cancelled;
    co_return Unexpected(slept.error());
  }
  co_return value;
}
Task<void> any() {
  std::atomic<int> cancelled = 0;
  std::vector<std::function<Task<Result<int>>(Context)>> starts;
  starts.push_back([&](Context ctx) { return race_for(ctx, 1h, 1, &cancelled); });
  starts.push_back([&](Context ctx) { return race_for(ctx, 2ms, 2, &cancelled); });
  starts.push_back([&](Context ctx) { return race_for(ctx, 1h, 3, &cancelled); });
  auto first = co_await when_any<int>(Context::background(), std::move(starts));
  EXPECT_EQ(first.value_or(0), 2);
  EXPECT_EQ(cancelled, 2);
}
TEST(WhenAny, CancelsTheOthers) { on_each_backend(any); }

Task<Executor*> where() {
  co_await yield();
  co_return &Executor::current();
}
Task<void> where_void(Executor** out) { *out = co_await where(); }
Task<void> elsewhere() {
  Executor* home = &Executor::current();
  for (std::size_t i = 0; i < runtime().executor_count(); ++i) {
    Executor* ran_on = co_await run_on(runtime().executor(i), where());
    EXPECT_EQ(ran_on, &runtime().executor(i));
    EXPECT_EQ(&Executor::current(), home);
    Executor* also = nullptr;
    co_await run_on(runtime().executor(i), where_void(&also));
    EXPECT_EQ(also, &runtime().executor(i));
    EXPECT_EQ(&Executor::current(), home);
  }
}
TEST(RunOn, ComesBack) { on_each_backend(elsewhere); }

Task<void> limit() {
  Clock& clock = runtime().clock();
  RateLimiter limiter(clock, 1000, 3);
  const TimePoint start = clock.now();
  EXPECT_TRUE(limiter.try_take() && limiter.try_take() && limiter.try_take());
  for (int i = 0; i < 20; ++i) {
    auto taken = co_await limiter.take(Context::background());
    EXPECT_TRUE(taken.has_value());
  }
  EXPECT_GE(clock.now() - start, 19ms);
  RateLimiter slow(clock, 0.001, 1);
  auto first = co_await slow.take(Context::background().with_timeout(1ms));
  EXPECT_TRUE(first.has_value());
  auto second = co_await slow.take(Context::background().with_timeout(1s));
  EXPECT_EQ(second.error().reason, Reason::Timeout);
  EXPECT_LT(clock.now() - start, 1s);
  const Context cancelled = Context::background().child();
  cancelled.cancel();
  auto third = co_await slow.take(cancelled);
  EXPECT_EQ(third.error().reason, Reason::Cancelled);
}
TEST(RateLimiter, Limits) { on_each_backend(limit); }

Task<void> backoffs() {
  Random& random = runtime().random();
  Backoff backoff({.initial = 100ms, .max = 1s, .factor = 3, .jitter = 0.5});
  for (const Duration expected : {100ms, 300ms, 900ms, 1000ms, 1000ms}) {
    const Duration wait = backoff.next(random);
    EXPECT_GE(wait, expected);
    EXPECT_LE(wait, expected * 3 / 2);
  }
  backoff.reset();
  EXPECT_LE(backoff.next(random), 150ms);
  co_return;
}
TEST(Backoff, GrowsToItsMaximum) { on_each_backend(backoffs); }

Task<Result<int>> fail_until(int* tries, int good) {
  if (++*tries < good) co_return error(Reason::ServiceUnavailable, "not yet");
  co_return *tries;
}
Task<void> check_retry(int good, int tries_max, bool again, Result<int> expected, int expected_tries) {
  int tries = 0;
  const BackoffOptions options{.initial = 1ms, .max = 2ms, .tries_max = tries_max};
  std::function<Task<Result<int>>()> attempt = [&] { return fail_until(&tries, good); };
  std::function<bool(const Status&)> decide = [again](const Status&) { return again; };
  auto result = co_await retry<int>(Context::background(), options, attempt, decide);
  EXPECT_EQ(result.has_value(), expected.has_value());
  EXPECT_EQ(result.value_or(0), expected.value_or(0));
  EXPECT_EQ(tries, expected_tries);
}
Task<void> retries() {
  const Result<int> failed = error(Reason::ServiceUnavailable, "not yet");
  co_await check_retry(1, 0, true, 1, 1);
  co_await check_retry(3, 0, true, 3, 3);
  co_await check_retry(3, 2, true, failed, 2);
  co_await check_retry(3, 0, false, failed, 1);
}
TEST(Retry, UntilItWorksOrMayNot) { on_each_backend(retries); }

Task<int> throws() {
  co_await yield();
  throw std::runtime_error("escaped");
}
Task<void> what_escapes_elsewhere() {
  Executor* home = &Executor::current();
  std::string what;
  try {
    (void)co_await run_on(other_executor(), throws());
  } catch (const std::runtime_error& failure) {
    what = failure.what();
  }
  EXPECT_EQ(what, "escaped");
  EXPECT_EQ(&Executor::current(), home);
}
TEST(RunOn, PassesOnWhatEscapes) { on_each_backend(what_escapes_elsewhere); }

}  // namespace
}  // namespace pintle::rt

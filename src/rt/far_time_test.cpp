// Numbers of others as times: never in the past because they were large.
#include "rt/far_time.h"

#include <gtest/gtest.h>

#include "rt/sync.h"
#include "rt/testing.h"

namespace pintle::rt {
namespace {

constexpr int64_t extremes[] = {INT64_MAX,        INT64_MAX - 1, int64_t{1} << 62, int64_t{1} << 60,
                                int64_t{1} << 34, 9'223'372'036, 9'223'372'037,    253'402'300'799};

TEST(FarTime, LargeNumbersAreFarAway) {
  const WallTime now = wall_time_of(1'800'000'000);
  for (const int64_t seconds : extremes) {
    EXPECT_EQ(seconds_of(seconds), far_duration) << seconds;
    EXPECT_EQ(seconds_of(-seconds), -far_duration) << seconds;
    EXPECT_GT(now + seconds_of(seconds), now) << seconds;
    EXPECT_LT(now + seconds_of(-seconds), now) << seconds;
    EXPECT_GT(wall_time_of(seconds), now) << seconds;
    EXPECT_GT(wall_time_of(seconds) + seconds_of(seconds), now) << seconds;
    EXPECT_GT(wall_time_of(seconds) - wall_time_of(-seconds), Duration::zero()) << seconds;
    EXPECT_LT(wall_time_of(-seconds) - wall_time_of(seconds), Duration::zero()) << seconds;
    EXPECT_GT(wall_time_of(seconds) + seconds_of(seconds) - now, Duration::zero()) << seconds;
    EXPECT_EQ(bounded_seconds(seconds), 3'153'600'000) << seconds;
  }
  EXPECT_EQ(seconds_of(INT64_MIN), -far_duration);
  EXPECT_LT(wall_time_of(INT64_MIN), now);
}

TEST(FarTime, SmallNumbersAreKept) {
  for (const int64_t seconds : {int64_t{0}, int64_t{1}, int64_t{-5}, int64_t{86'400}, int64_t{3'153'600'000}})
    EXPECT_EQ(seconds_of(seconds), std::chrono::seconds(seconds));
  EXPECT_EQ(wall_time_of(1'800'000'000, 5).time_since_epoch(), std::chrono::seconds(1'800'000'000) + Duration(5));
  EXPECT_EQ(wall_time_of(-62'135'596'800), WallTime(-far_wall_time.time_since_epoch()));  // the year 1
}

TEST(FarTime, AfterNeverGoesBack) {
  for (const TimePoint now :
       {TimePoint{}, TimePoint(std::chrono::hours(1)), TimePoint(std::chrono::hours(24 * 365 * 20)), TimePoint(Duration(INT64_MAX - 1))})
    for (const Duration wait : {Duration(0), Duration(1), far_duration, Duration::max()}) EXPECT_GE(after(now, wait), now) << wait.count();
  EXPECT_EQ(after(TimePoint(std::chrono::hours(1)), std::chrono::seconds(5)), TimePoint(std::chrono::hours(1) + std::chrono::seconds(5)));
}

Task<void> wait_for_ever() {
  for (const Duration timeout : {Duration::max(), seconds_of(INT64_MAX), seconds_of(int64_t{1} << 62)}) {
    const Context ctx = Context::background().with_timeout(timeout);
    EXPECT_FALSE(ctx.done());
    const auto slept = co_await sleep_for(Context::background().with_timeout(std::chrono::milliseconds(20)), timeout);
    EXPECT_FALSE(slept);
    EXPECT_FALSE(ctx.done()) << timeout.count();
  }
}
TEST(FarTime, ContextsAndSleeps) {
  testing::run_task(wait_for_ever());
  testing::run_sim(wait_for_ever());
}

}  // namespace
}  // namespace pintle::rt

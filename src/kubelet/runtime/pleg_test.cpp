#include "kubelet/runtime/pleg.h"

#include <gtest/gtest.h>

#include "kubelet/testing.h"
#include "rt/testing.h"

namespace pintle::kubelet::runtime {
namespace {

using namespace std::chrono_literals;
using namespace kubelet::testing;
using All = std::map<std::string, PodState>;

// What the runtime does from a time on.
enum class Mood : uint8_t { Answers, Fails, Hangs };

struct Told {
  int seen = 0;
  int changes = 0;
};
struct Runtime {
  Mood mood = Mood::Answers;
  rt::Task<Result<All>> list(rt::Context ctx) {
    if (mood == Mood::Hangs) {
      (void)co_await rt::sleep_for(ctx, 24h);
      co_return error(Reason::Timeout, "context deadline exceeded");
    }
    if (mood == Mood::Fails) co_return error(Reason::ServiceUnavailable, "no runtime");
    co_return All();
  }
};

rt::Task<void> pass(rt::Duration time) { (void)co_await rt::sleep_for(rt::Context::background(), time); }

rt::Task<void> a_runtime_that_falls_silent(Mood mood) {
  Runtime runtime;
  Told told;
  PlegDeps deps{rt::Executor::current().runtime(), [&](rt::Context ctx) { return runtime.list(std::move(ctx)); }, [&](const All&) { ++told.seen; },
                [&] { ++told.changes; }};
  Pleg pleg(std::move(deps));
  EXPECT_EQ(pleg.unhealthy(), "PLEG is not healthy: pleg has yet to be successful");
  pleg.start();
  co_await pass(10s);
  EXPECT_EQ(pleg.unhealthy(), "");
  EXPECT_EQ(told.seen, 1);
  EXPECT_EQ(told.changes, 1) << "the first list";
  runtime.mood = mood;
  co_await pass(2min + 49s);
  EXPECT_EQ(pleg.unhealthy(), "");
  EXPECT_EQ(told.changes, 1);
  co_await pass(2s);
  const std::string text = pleg.unhealthy();
  EXPECT_TRUE(text.starts_with("PLEG is not healthy: pleg was last seen active 3m") && text.ends_with("s ago; threshold is 3m0s")) << text;
  EXPECT_EQ(told.changes, 2) << "the node's status is told anew at once";
  EXPECT_FALSE(pleg.hung());
  co_await pass(5min);
  EXPECT_TRUE(pleg.hung());
  runtime.mood = Mood::Answers;
  co_await pass(3min);  // a list that hangs is given up before
  EXPECT_EQ(pleg.unhealthy(), "");
  EXPECT_FALSE(pleg.hung());
  EXPECT_GE(told.seen, 2);
  std::string page;
  pleg.write_metrics(page);
  for (const char* name :
       {"kubelet_pleg_relist_duration_seconds_count", "kubelet_pleg_relist_interval_seconds_count", "kubelet_pleg_last_seen_seconds"})
    EXPECT_NE(page.find(name), std::string::npos) << page;
  co_await pleg.stop();
}
TEST(Pleg, ARuntimeThatHangs) { rt::testing::run_sim(a_runtime_that_falls_silent(Mood::Hangs)); }
TEST(Pleg, ARuntimeThatFails) { rt::testing::run_sim(a_runtime_that_falls_silent(Mood::Fails)); }

rt::Task<void> never_an_answer() {
  Runtime runtime;
  runtime.mood = Mood::Fails;
  int lists = 0;
  PlegDeps deps{rt::Executor::current().runtime(), [&](rt::Context ctx) { return ++lists, runtime.list(std::move(ctx)); }, [](const All&) {}, [] {}};
  Pleg pleg(std::move(deps));
  pleg.start();
  co_await pass(10min);
  EXPECT_EQ(pleg.unhealthy(), "PLEG is not healthy: pleg has yet to be successful");
  EXPECT_TRUE(pleg.hung());
  EXPECT_LE(lists, 121);
  co_await pleg.stop();
}
TEST(Pleg, ARuntimeThatNeverAnswers) { rt::testing::run_sim(never_an_answer()); }

void check_differs(const PodState& known, const PodState& seen, bool wanted) { EXPECT_EQ(differs(known, seen), wanted); }
TEST(Pleg, WhatDiffers) {
  const auto state = state_of({running("a"), exited("b", 0)});
  check_differs(state, state, false);
  check_differs(state, state_of({running("a")}), true);
  check_differs(state, state_of({exited("a", 0), exited("b", 0)}), true);
  check_differs(state_of({}), state, true);
  auto gone = state;
  gone.sandboxes[0].ready = false;
  check_differs(state, gone, true);
}

}  // namespace
}  // namespace pintle::kubelet::runtime

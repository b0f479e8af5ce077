#include "rt/context.h"

#include <gtest/gtest.h>

#include <atomic>
#include <thread>

#include "rt/sync.h"
#include "rt/test_backends.h"

namespace pintle::rt {
namespace {

using namespace std::chrono_literals;

TEST(Context, CancelReachesChildrenOnly) {
  const Context parent = Context::background().child();
  const Context child = parent.child();
  const Context grandchild = child.child();
  child.cancel();
  EXPECT_FALSE(parent.done());
  EXPECT_TRUE(child.done());
  EXPECT_TRUE(grandchild.done());
  EXPECT_EQ(grandchild.status().reason, Reason::Cancelled);
  EXPECT_TRUE(grandchild.child().done());
  Context::background().cancel();
  EXPECT_FALSE(Context::background().done());
}

TEST(Context, CallbacksRunOnceInOrder) {
  const Context ctx = Context::background().child();
  std::string ran;
  auto a = ctx.on_done([&] { ran += 'a'; });
  auto b = ctx.on_done([&] { ran += 'b'; });
  auto dropped = ctx.on_done([&] { ran += 'x'; });
  dropped = {};
  ctx.cancel();
  ctx.cancel();
  auto late = ctx.on_done([&] { ran += 'l'; });
  EXPECT_EQ(ran, "abl");
}

TEST(Context, CallbackMayDropItsOwnRegistrationAndContext) {
  auto ctx = std::make_unique<Context>(Context::background().child());
  const Context copy = *ctx;
  CancelRegistration registration;
  registration = ctx->on_done([&] {
    registration = {};
    ctx.reset();
  });
  copy.cancel();
  EXPECT_EQ(ctx, nullptr);
}

TEST(Context, CallbackOfAChildMayDropTheChild) {
  const Context parent = Context::background().child();
  auto child = std::make_unique<Context>(parent.child());
  auto registration = child->on_done([&] { child.reset(); });
  bool later = false;
  auto other = parent.on_done([&] { later = true; });
  parent.cancel();
  EXPECT_EQ(child, nullptr);
  EXPECT_TRUE(later);
}

TEST(Context, AfterTheRegistrationNoCallbackRuns) {
  for (int i = 0; i < 500; ++i) {
    const Context ctx = Context::background().child();
    auto alive = std::make_unique<std::atomic<int>>(0);
    auto registration = ctx.on_done([&] { ++*alive; });
    std::thread canceller([ctx] { ctx.cancel(); });
    registration = {};
    alive.reset();
    canceller.join();
  }
}

Task<void> deadlines() {
  const Context background = Context::background();
  const Context soon = background.with_timeout(5ms);
  const Context later = soon.with_timeout(1h);
  EXPECT_EQ(later.deadline(), soon.deadline());
  const Context unused = background.with_timeout(1h);
  auto slept = co_await sleep_for(later, 1h);
  EXPECT_FALSE(slept.has_value());
  EXPECT_EQ(slept.error().reason, Reason::Timeout);
  EXPECT_TRUE(soon.done());
  EXPECT_EQ(soon.status().reason, Reason::Timeout);
  EXPECT_FALSE(unused.done());
  auto again = co_await sleep_for(soon, 1h);
  EXPECT_FALSE(again.has_value());
}
TEST(Context, Deadlines) { on_each_backend(deadlines); }

}  // namespace
}  // namespace pintle::rt

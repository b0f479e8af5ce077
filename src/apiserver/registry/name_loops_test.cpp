#include "apiserver/registry/name_loops.h"

#include <gtest/gtest.h>

#include "rt/testing.h"

namespace pintle::apiserver::registry {
namespace {

struct Looked {
  std::vector<std::string> names;
  int failures = 0;  // of "bad", still to come
};

rt::Task<Result<Unit>> look(Looked& looked, std::string name) {
  looked.names.push_back(name);
  if (name == "bad" && looked.failures-- > 0) co_return internal("not now");
  co_return Unit{};
}

TEST(NameLoops, LookUntilTheirStop) {
  rt::testing::run_sim([]() -> rt::Task<void> {
    Looked looked{{}, 2};
    ChangedNames names, others;
    NameLoops loops;
    EXPECT_FALSE(loops.running());
    co_await loops.stop();  // nothing to end
    names.add("before");
    const rt::Context ctx = loops.start();
    ChangedNames::Look each = [&looked](const std::string& name) { return look(looked, name); };
    loops.follow(names, each, {"a complaint"});
    loops.follow(others, each, {"a complaint", "other"});
    (void)co_await rt::sleep_for(rt::Context::background(), std::chrono::seconds(1));
    EXPECT_EQ(looked.names, std::vector<std::string>{"before"});
    others.add("bad");
    names.add("good");
    (void)co_await rt::sleep_for(rt::Context::background(), std::chrono::minutes(5));
    std::ranges::sort(looked.names);
    EXPECT_EQ(looked.names, (std::vector<std::string>{"bad", "bad", "bad", "before", "good"})) << "what fails is looked at again";
    EXPECT_FALSE(ctx.done());
    co_await loops.stop();
    EXPECT_TRUE(ctx.done());
    EXPECT_FALSE(loops.running());
    names.add("late");
    (void)co_await rt::sleep_for(rt::Context::background(), std::chrono::seconds(1));
    EXPECT_EQ(looked.names.size(), 5u);
    EXPECT_TRUE(names.take().empty()) << "nobody collects what nobody looks at";
  });
}

rt::Task<void> sleep_through(rt::Context ctx, bool& slept) {
  auto done = co_await rt::sleep_for(std::move(ctx), std::chrono::hours(1));
  slept = done.has_value();
}

TEST(NameLoops, OtherTasksEndWithThem) {
  rt::testing::run_sim([]() -> rt::Task<void> {
    NameLoops loops;
    bool slept = true;
    const rt::Context ctx = loops.start();
    loops.spawn(sleep_through(ctx, slept));
    co_await loops.stop();
    EXPECT_FALSE(slept);
  });
}

}  // namespace
}  // namespace pintle::apiserver::registry

#include "apiserver/admission/event_rate_limit/limits.h"

#include <gtest/gtest.h>

#include "api/testing/from_yaml.h"
#include "rt/sync.h"
#include "rt/testing.h"

namespace pintle::apiserver::admission::event_rate_limit {
namespace {

Configuration of(const std::string& limits) { return api::testing::from_yaml<Configuration>("{limits: " + limits + "}"); }

void check_refused(const std::string& limits, const std::string& want) {
  const auto result = check(of(limits));
  const std::string text = result ? "" : result.error().message;
  EXPECT_EQ(text.empty(), want.empty()) << limits << text;
  EXPECT_NE(text.find(want), text.npos) << limits << text;
}

TEST(EventRateLimit, Configurations) {
  check_refused("[{type: Server, qps: 1, burst: 1}]", "");
  check_refused("[{type: Namespace, qps: 1, burst: 1, cacheSize: 5}]", "");
  check_refused("[]", "limits: must not be empty");
  check_refused("[{type: Server, qps: 1, burst: 1}, {type: Pod, qps: 1, burst: 1}]", "limits[1].type");
  check_refused("[{type: Server, qps: 0, burst: 1}]", "qps");
  check_refused("[{type: Server, qps: 1, burst: -1}]", "burst");
  check_refused("[{type: User, qps: 1, burst: 1, cacheSize: -1}]", "cacheSize");
}

std::string take(Limits& limits, std::string_view ns, std::string_view user, const char* source = "") {
  api::core_v1::Event event;
  event.source.component = source;
  const auto taken = limits.take({ns, user, &event});
  return taken ? "ok" : std::to_string(taken.error().http()) + " " + taken.error().message;
}

TEST(EventRateLimit, BucketsAreKeptByWhatTheLimitCounts) {
  rt::testing::run_sim([]() -> rt::Task<void> {
    const rt::Clock& clock = rt::Executor::current().runtime().clock();
    Limits server(clock, of("[{type: Server, qps: 1, burst: 2}]"));
    EXPECT_EQ(take(server, "a", "x"), "ok");
    EXPECT_EQ(take(server, "b", "y"), "ok");
    EXPECT_EQ(take(server, "c", "z"), "429 Too many requests: limit reached on type Server for key ");
    (void)co_await rt::sleep_for(rt::Context::background(), std::chrono::seconds(1));
    EXPECT_EQ(take(server, "c", "z"), "ok");
    Limits spaces(clock, of("[{type: Namespace, qps: 1, burst: 1}]"));
    EXPECT_EQ(take(spaces, "a", "x"), "ok");
    EXPECT_EQ(take(spaces, "b", "x"), "ok");
    EXPECT_EQ(take(spaces, "a", "y"), "429 Too many requests: limit reached on type Namespace for key a");
    Limits both(clock, of("[{type: User, qps: 1, burst: 1}, {type: SourceAndObject, qps: 1, burst: 1}]"));
    EXPECT_EQ(take(both, "a", "x", "kubelet"), "ok");
    EXPECT_EQ(take(both, "a", "x", "kubelet"),
              "429 Too many requests: [limit reached on type User for key x, limit reached on type SourceAndObject for key kubelet]");
    EXPECT_EQ(take(both, "a", "y", "scheduler"), "ok");
  });
}

TEST(EventRateLimit, WhoWasUsedLongestAgoIsForgotten) {
  rt::testing::run_sim([]() -> rt::Task<void> {
    Limits limits(rt::Executor::current().runtime().clock(), of("[{type: Namespace, qps: 1, burst: 1, cacheSize: 2}]"));
    EXPECT_EQ(take(limits, "a", ""), "ok");
    EXPECT_EQ(take(limits, "b", ""), "ok");
    EXPECT_NE(take(limits, "a", ""), "ok");  // a is now the last used
    EXPECT_EQ(take(limits, "c", ""), "ok");  // b goes
    EXPECT_NE(take(limits, "a", ""), "ok");
    EXPECT_EQ(take(limits, "b", ""), "ok") << "begun anew";
    co_return;
  });
}

// Whoever sends events names their source, at any length.
TEST(EventRateLimit, LongKeysAreKeptByTheirHash) {
  rt::testing::run_sim([]() -> rt::Task<void> {
    Limits limits(rt::Executor::current().runtime().clock(), of("[{type: SourceAndObject, qps: 1, burst: 1}]"));
    const std::string source(3 << 20, 's');
    EXPECT_EQ(take(limits, "a", "x", source.c_str()), "ok");
    const std::string refused = take(limits, "a", "x", source.c_str());
    EXPECT_TRUE(refused.starts_with("429 ")) << refused.substr(0, 100);
    EXPECT_LT(refused.size(), key_bytes_max + 200);
    EXPECT_EQ(take(limits, "a", "x", (source + "t").c_str()), "ok") << "another source";
    co_return;
  });
}

}  // namespace
}  // namespace pintle::apiserver::admission::event_rate_limit

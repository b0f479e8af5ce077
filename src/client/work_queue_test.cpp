#include "client/work_queue.h"

#include <gtest/gtest.h>

#include "client/metrics.h"
#include "rt/testing.h"

namespace pintle::client {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

const rt::Context background = rt::Context::background();

// Takes the next key: "key@milliseconds since `start`".
rt::Task<std::string> take(WorkQueue& queue, rt::TimePoint start) {
  auto key = co_await queue.get(background);
  if (!key) co_return std::string(reason_name(key.error().reason));
  const auto at = rt::Executor::current().runtime().clock().now() - start;
  co_return *key + "@" + std::to_string(std::chrono::duration_cast<milliseconds>(at).count());
}

template <class F>
void with_queue(F steps) {
  rt::testing::run_sim([&]() -> rt::Task<void> {
    rt::Runtime& runtime = rt::Executor::current().runtime();
    WorkQueue queue(runtime);
    const auto start = runtime.clock().now();
    co_await steps(queue, start);
  });
}

TEST(WorkQueue, EachKeyOnce) {
  with_queue([](WorkQueue& queue, rt::TimePoint start) -> rt::Task<void> {
    queue.add("a");
    queue.add("b");
    queue.add("a");
    EXPECT_EQ(queue.size(), 2u);
    EXPECT_EQ(co_await take(queue, start), "a@0");
    queue.add("a");  // in work: comes again after done()
    queue.add("a");
    EXPECT_EQ(co_await take(queue, start), "b@0");
    EXPECT_EQ(queue.size(), 0u);
    queue.done("b");
    queue.done("a");
    EXPECT_EQ(co_await take(queue, start), "a@0");
    EXPECT_FALSE(queue.idle());
    queue.done("a");
    EXPECT_TRUE(queue.idle());
  });
}

TEST(WorkQueue, TheEarlierTimeStays) {
  with_queue([](WorkQueue& queue, rt::TimePoint start) -> rt::Task<void> {
    queue.add_after("late", seconds(5));
    queue.add_after("late", seconds(9));
    queue.add_after("soon", seconds(2));
    queue.add_after("late", seconds(3));
    queue.add_after("now", seconds(0));
    EXPECT_EQ(co_await take(queue, start), "now@0");
    EXPECT_EQ(co_await take(queue, start), "soon@2000");
    EXPECT_EQ(co_await take(queue, start), "late@3000");
    for (const char* key : {"now", "soon", "late"}) queue.done(key);
    EXPECT_TRUE(queue.idle());
  });
}

TEST(WorkQueue, FailuresBackOff) {
  with_queue([](WorkQueue& queue, rt::TimePoint start) -> rt::Task<void> {
    std::string seen;
    for (int i = 0; i < 5; ++i) {
      queue.add_rate_limited("a");
      seen += co_await take(queue, start) + " ";
      queue.done("a");
    }
    EXPECT_EQ(seen, "a@5 a@15 a@35 a@75 a@155 ");
    EXPECT_EQ(queue.failures("a"), 5);
    queue.forget("a");
    queue.add_rate_limited("a");
    EXPECT_EQ(co_await take(queue, start), "a@160");
    for (int i = 0; i < 60; ++i) queue.add_rate_limited("b");  // no further than the longest wait
    queue.forget("b");
    EXPECT_EQ(queue.failures("b"), 0);
  });
}

TEST(WorkQueue, ShutDownEndsIt) {
  with_queue([](WorkQueue& queue, rt::TimePoint start) -> rt::Task<void> {
    queue.add("a");
    queue.add_after("b", seconds(1));
    queue.shut_down();
    queue.add("c");
    EXPECT_EQ(co_await take(queue, start), "Gone");
    EXPECT_TRUE(queue.idle());
  });
}

TEST(ControlLoop, FailedKeysComeAgainAndKeysNeverRunTwiceAtATime) {
  rt::testing::run_sim([]() -> rt::Task<void> {
    rt::Runtime& runtime = rt::Executor::current().runtime();
    struct Seen {
      std::map<std::string, int> running;
      std::map<std::string, int> runs;
      rt::Event finished;
    } seen;
    ControlLoop::Sync sync = [&seen](rt::Context ctx, std::string key) -> rt::Task<Result<Unit>> {
      Seen& all = seen;
      EXPECT_EQ(++all.running[key], 1);
      (void)co_await rt::sleep_for(ctx, milliseconds(10));
      --all.running[key];
      const int run = ++all.runs[key];
      if (key == "bad" && run < 3) co_return error(Reason::Conflict, "not yet");
      if (key == "bad") all.finished.set();
      co_return Unit{};
    };
    ControlLoop loop(runtime, "test", sync);
    loop.start(3);
    for (const char* key : {"x", "bad", "y", "bad"}) loop.queue().add(key);
    (void)co_await seen.finished.wait(background);
    (void)co_await rt::sleep_for(background, seconds(1));
    EXPECT_EQ(seen.runs["x"], 1);
    EXPECT_EQ(seen.runs["y"], 1);
    EXPECT_EQ(seen.runs["bad"], 3);
    EXPECT_EQ(loop.queue().failures("bad"), 0);
    EXPECT_TRUE(loop.queue().idle());
    co_await loop.stop();
  });
}

// The value of a series on the page; -1: it is not there.
double value_of(const component::metrics::Registry& registry, const std::string& series) {
  const std::string page = registry.write();
  const auto at = page.find("\n" + series + " ");
  return at == std::string::npos ? -1 : std::stod(page.substr(at + series.size() + 2));
}

TEST(WorkQueue, IsCounted) {
  rt::testing::run_sim([]() -> rt::Task<void> {
    rt::Runtime& runtime = rt::Executor::current().runtime();
    component::metrics::Registry registry;
    ClientMetrics metrics(runtime, registry);
    WorkQueueOptions options;
    options.metrics = &metrics.queue("deployment");
    WorkQueue queue(runtime, options);
    for (const char* key : {"a", "b", "a"}) queue.add(key);
    EXPECT_EQ(value_of(registry, "workqueue_adds_total{name=\"deployment\"}"), 2);
    EXPECT_EQ(value_of(registry, "workqueue_depth{name=\"deployment\"}"), 2);
    (void)co_await rt::sleep_for(background, seconds(3));
    (void)co_await queue.get(background);
    EXPECT_EQ(value_of(registry, "workqueue_depth{name=\"deployment\"}"), 1);
    EXPECT_EQ(value_of(registry, "workqueue_queue_duration_seconds_sum{name=\"deployment\"}"), 3);
    (void)co_await rt::sleep_for(background, seconds(4));
    (void)co_await queue.get(background);
    (void)co_await rt::sleep_for(background, seconds(1));
    EXPECT_EQ(value_of(registry, "workqueue_unfinished_work_seconds{name=\"deployment\"}"), 6) << "5 and 1";
    EXPECT_EQ(value_of(registry, "workqueue_longest_running_processor_seconds{name=\"deployment\"}"), 5);
    queue.add_rate_limited("a");
    EXPECT_EQ(value_of(registry, "workqueue_retries_total{name=\"deployment\"}"), 1);
    queue.done("a");
    queue.done("b");
    EXPECT_EQ(value_of(registry, "workqueue_work_duration_seconds_sum{name=\"deployment\"}"), 6);
    EXPECT_EQ(value_of(registry, "workqueue_work_duration_seconds_count{name=\"deployment\"}"), 2);
    EXPECT_EQ(value_of(registry, "workqueue_unfinished_work_seconds{name=\"deployment\"}"), 0);
  });
}

TEST(ClientMetrics, RequestsAndLeases) {
  rt::testing::run_sim([]() -> rt::Task<void> {
    component::metrics::Registry registry;
    ClientMetrics metrics(rt::Executor::current().runtime(), registry);
    metrics.request("GET", "10.0.0.1:6443", 200, milliseconds(500));
    metrics.request("GET", "10.0.0.1:6443", 0, seconds(2));
    EXPECT_EQ(value_of(registry, R"(rest_client_requests_total{code="200",host="10.0.0.1:6443",method="GET"})"), 1);
    EXPECT_EQ(value_of(registry, R"(rest_client_requests_total{code="<error>",host="10.0.0.1:6443",method="GET"})"), 1);
    EXPECT_EQ(value_of(registry, R"(rest_client_request_duration_seconds_sum{host="10.0.0.1:6443",verb="GET"})"), 2.5);
    metrics.leads("kube-scheduler", false);
    EXPECT_EQ(value_of(registry, R"(leader_election_master_status{name="kube-scheduler"})"), 0);
    metrics.leads("kube-scheduler", true);
    EXPECT_EQ(value_of(registry, R"(leader_election_master_status{name="kube-scheduler"})"), 1);
    co_return;
  });
}

}  // namespace
}  // namespace pintle::client

#include "apiserver/exchange/bounded_writer.h"

#include <gtest/gtest.h>

#include "rt/combine.h"
#include "rt/sync.h"
#include "rt/testing.h"

namespace pintle::apiserver::exchange {
namespace {

// A peer that takes what is sent when told to.
class Peer final : public net::ResponseWriter, public net::Abortable {
 public:
  net::Headers& headers() override { return headers_; }
  bool started() const override { return started_; }
  rt::Task<Result<Unit>> start(int given) override {
    started_ = true;
    status = given;
    co_return Unit{};
  }
  rt::Task<Result<Unit>> write(std::vector<Bytes> data) override {
    for (const Bytes& piece : data) sent += piece.view();
    if (!started_) CO_TRY(co_await start(200));
    CO_TRY(co_await reads.wait(rt::Context::background()));
    if (aborted) co_return error(Reason::ServiceUnavailable, "reset");
    co_return Unit{};
  }
  rt::Task<Result<Unit>> flush() override { co_return Unit{}; }
  rt::Task<Result<Unit>> upgrade(net::UpgradeHandler) override { co_return error(Reason::MethodNotAllowed, "no"); }
  void abort() override {
    aborted = true;
    reads.set();
  }
  rt::Event reads;
  bool aborted = false;
  int status = 0;
  std::string sent;

 private:
  net::Headers headers_;
  bool started_ = false;
};

rt::Task<void> write_into(BoundedWriter* writer, std::optional<Result<Unit>>* result) {
  std::vector<Bytes> data;
  data.push_back(Bytes::literal("x"));
  *result = co_await writer->write(std::move(data));
}

const std::string user = "u";
const rt::Endpoint remote{"10.0.0.1", 1234};

rt::Runtime& here() { return rt::Executor::current().runtime(); }

rt::Task<void> stall_gives_up_the_place() {
  fairness::Budget budget(stalled_answers);
  Peer peer;
  BoundedWriter writer(peer, here());
  int given_up = 0;
  writer.watch_stalls(budget, user, &remote, [&] { ++given_up; });
  std::optional<Result<Unit>> result;
  rt::TaskGroup tasks;
  tasks.spawn(write_into(&writer, &result));
  (void)co_await rt::sleep_for(rt::Context::background(), stall_time - std::chrono::milliseconds(1));
  EXPECT_EQ(given_up, 0);
  (void)co_await rt::sleep_for(rt::Context::background(), std::chrono::milliseconds(2));
  EXPECT_EQ(given_up, 1);
  EXPECT_EQ(budget.held(), 1);
  peer.reads.set();
  co_await tasks.join();
  EXPECT_TRUE(result && *result) << "a slow peer gets its answer";
  EXPECT_FALSE(peer.aborted);
  EXPECT_EQ(budget.held(), 0);
}
TEST(BoundedWriter, AStallGivesUpThePlace) { rt::testing::run_sim(stall_gives_up_the_place()); }

rt::Task<void> too_many_stalls() {
  fairness::Budget budget(fairness::BudgetLimits{.total = 10, .user = 2, .connection = 10, .user_assured = 0});
  Peer peers[3];
  std::vector<std::unique_ptr<BoundedWriter>> writers;
  std::optional<Result<Unit>> results[3];
  rt::TaskGroup tasks;
  for (int i = 0; i < 3; ++i) {
    writers.push_back(std::make_unique<BoundedWriter>(peers[i], here()));
    writers.back()->watch_stalls(budget, user, &remote, nullptr);
    tasks.spawn(write_into(writers.back().get(), &results[i]));
  }
  (void)co_await rt::sleep_for(rt::Context::background(), 2 * stall_time);
  int aborted = 0;
  for (Peer& peer : peers) aborted += peer.aborted;
  EXPECT_EQ(aborted, 1) << "what is past the user's bound is broken off";
  for (Peer& peer : peers) peer.reads.set();
  co_await tasks.join();
}
TEST(BoundedWriter, StalledAnswersHaveABound) { rt::testing::run_sim(too_many_stalls()); }

rt::Task<void> time_is_up() {
  Peer started, idle;
  BoundedWriter writer(started, here()), other(idle, here());
  std::optional<Result<Unit>> result;
  rt::TaskGroup tasks;
  tasks.spawn(write_into(&writer, &result));
  while (!started.started()) co_await rt::yield();
  writer.end_time();
  other.end_time();
  co_await tasks.join();
  EXPECT_TRUE(result && !*result);
  EXPECT_TRUE(started.aborted);
  EXPECT_FALSE(idle.aborted) << "nothing was sent: it can still be told why";
  std::optional<Result<Unit>> late;
  tasks.spawn(write_into(&other, &late));
  co_await tasks.join();
  EXPECT_TRUE(idle.aborted && late && !*late) << "but not for long";
}
TEST(BoundedWriter, AnAnswerEndsWithItsTime) { rt::testing::run_sim(time_is_up()); }

rt::Task<void> answer_elsewhere(BoundedWriter* writer) {
  EXPECT_FALSE(writer->started());
  (void)co_await writer->start(201);
  EXPECT_TRUE(writer->started());
  for (const std::string_view text : {"a", "b"}) {
    std::vector<Bytes> data;
    data.emplace_back(std::string(text));
    (void)co_await writer->write(std::move(data));
  }
  (void)co_await writer->flush();
}
rt::Task<void> held_back() {
  Peer peer;
  peer.reads.set();
  BoundedWriter writer(peer, here());
  writer.hold();
  co_await rt::run_on(here().executor(1), answer_elsewhere(&writer));
  EXPECT_EQ(peer.status, 0);
  EXPECT_TRUE((co_await writer.send()).has_value());
  EXPECT_EQ(peer.status, 201);
  EXPECT_EQ(peer.sent, "ab");
  EXPECT_TRUE(writer.started());
  // Nothing was answered: nothing is sent.
  Peer another;
  BoundedWriter silent(another, here());
  silent.hold();
  EXPECT_TRUE((co_await silent.send()).has_value());
  EXPECT_FALSE(silent.started());
}
TEST(BoundedWriter, WhatIsHeldBackIsSentInOrder) { rt::testing::run_sim(held_back); }

}  // namespace
}  // namespace pintle::apiserver::exchange

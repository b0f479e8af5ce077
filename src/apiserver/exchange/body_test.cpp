#include "apiserver/exchange/body.h"

#include <gtest/gtest.h>

#include "rt/sync.h"
#include "rt/testing.h"

namespace pintle::apiserver::exchange {
namespace {

// Pieces, and then silence if `stalls`.
class Script final : public net::BodyReader {
 public:
  Script(std::vector<std::string> pieces, bool stalls) : pieces_(std::move(pieces)), stalls_(stalls) {}
  rt::Task<Result<Bytes>> read(rt::Context ctx) override {
    if (at_ < pieces_.size()) co_return Bytes(pieces_[at_++]);
    if (!stalls_) co_return Bytes();
    rt::Event never;
    auto waited = co_await never.wait(ctx);
    co_return Unexpected(waited.error());
  }

 private:
  std::vector<std::string> pieces_;
  bool stalls_;
  std::size_t at_ = 0;
};

class NoWriter final : public net::ResponseWriter {
 public:
  net::Headers& headers() override { return headers_; }
  bool started() const override { return false; }
  rt::Task<Result<Unit>> start(int) override { co_return Unit{}; }
  rt::Task<Result<Unit>> write(std::vector<Bytes>) override { co_return Unit{}; }
  rt::Task<Result<Unit>> flush() override { co_return Unit{}; }
  rt::Task<Result<Unit>> upgrade(net::UpgradeHandler) override { co_return Unit{}; }

 private:
  net::Headers headers_;
};

struct Received {
  Result<Unit> result;
  std::string body;
};

rt::Task<void> receive(fairness::Budget* budget, std::string user, Script script, rt::Event* keep, Received* out) {
  net::Request request;
  request.method = "POST";
  request.body = &script;
  NoWriter writer;
  Exchange exchange{rt::Context::background(), request, writer, {}, {}, {}};
  exchange.scope.user.name = std::move(user);
  out->result = co_await receive_body(exchange, *budget);
  if (out->result) out->body = std::string(exchange.body->view());
  if (keep != nullptr) (void)co_await keep->wait(rt::Context::background());
}

rt::Task<void> table() {
  struct Case {
    std::string name;
    std::vector<std::string> pieces;
    bool stalls;
    Reason want;  // Reason::Unknown: received
    std::string body;
  };
  const std::vector<Case> cases{
      {"none", {}, false, Reason::Unknown, ""},
      {"one piece", {"abc"}, false, Reason::Unknown, "abc"},
      {"pieces", {"a", "b", "cd"}, false, Reason::Unknown, "abcd"},
      {"nothing comes", {}, true, Reason::Timeout, ""},
      {"it stops", {"a"}, true, Reason::Timeout, ""},
      {"too large", {std::string(request_bytes_max, 'x'), "y"}, false, Reason::RequestEntityTooLarge, ""},
  };
  for (const Case& one : cases) {
    fairness::Budget budget(body_limits);
    const auto began = rt::Executor::current().runtime().clock().now();
    Received got;
    co_await receive(&budget, "u", Script(one.pieces, one.stalls), nullptr, &got);
    EXPECT_EQ(got.result ? Reason::Unknown : got.result.error().reason, one.want) << one.name;
    EXPECT_EQ(got.body, one.body) << one.name;
    EXPECT_EQ(budget.held(), 0) << one.name;
    const rt::Duration took = rt::Executor::current().runtime().clock().now() - began;
    EXPECT_NEAR(std::chrono::duration<double>(took).count(), one.stalls ? std::chrono::duration<double>(body_read_timeout).count() : 0, 0.1)
        << one.name;
  }
}
TEST(Body, IsReceivedWithinItsLimits) { rt::testing::run_sim(table()); }

rt::Task<void> shares() {
  fairness::Budget budget(fairness::BudgetLimits{.total = 4 << 20, .user = 3 << 20, .connection = 64 << 20, .user_assured = 64 << 10});
  rt::Event over;
  rt::TaskGroup tasks;
  Received slow[3], refused, other, node;
  const std::string mib(1 << 20, 'x');
  for (Received& one : slow) tasks.spawn(receive(&budget, "mallory", Script({mib}, false), &over, &one));
  while (budget.held() < 3 << 20) co_await rt::yield();
  const std::string mallory = "mallory", another = "other", heartbeat = "node";
  Script one_more({mib}, false), small({"heartbeat"}, false);
  co_await receive(&budget, mallory, std::move(one_more), nullptr, &refused);
  EXPECT_EQ(refused.result ? Reason::Unknown : refused.result.error().reason, Reason::TooManyRequests);
  tasks.spawn(receive(&budget, another, Script({mib}, false), &over, &other));
  while (budget.held() < 4 << 20) co_await rt::yield();
  co_await receive(&budget, heartbeat, std::move(small), nullptr, &node);
  EXPECT_TRUE(node.result) << "others' bodies refuse no heartbeat";
  over.set();
  co_await tasks.join();
  for (Received& one : slow) EXPECT_TRUE(one.result);
  EXPECT_TRUE(other.result);
  EXPECT_EQ(budget.held(), 0);
}
TEST(Body, OneUsersBodiesAreNotTakenFromAnother) { rt::testing::run_sim(shares()); }

}  // namespace
}  // namespace pintle::apiserver::exchange

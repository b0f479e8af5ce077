#include <gtest/gtest.h>

#include "net/grpc/channel.h"
#include "net/grpc/code.h"
#include "net/grpc/server.h"
#include "rt/testing.h"

namespace pintle::net::grpc {
namespace {

TEST(GrpcMessage, FramesAndReads) {
  MessageReader reader(100);
  const Bytes a = frame_message("hello");
  reader.push(a.view().substr(0, 3));
  EXPECT_FALSE(reader.next()->has_value());
  reader.push(a.view().substr(3));
  reader.push(frame_message("").view());
  EXPECT_EQ(**reader.next(), "hello");
  EXPECT_EQ(**reader.next(), "");
  EXPECT_FALSE(reader.next()->has_value());
  EXPECT_TRUE(reader.empty());
  reader.push(std::string_view("\1\0\0\0\1x", 6));
  EXPECT_EQ(reader.next().error().reason, Reason::BadRequest);
  MessageReader small(2);
  small.push(frame_message("abc").view());
  EXPECT_EQ(small.next().error().reason, Reason::RequestEntityTooLarge);
}

void check_timeout(rt::Duration timeout, std::string_view text) {
  EXPECT_EQ(format_timeout(timeout), text);
  EXPECT_LE(*parse_timeout(text), std::max<rt::Duration>(timeout, std::chrono::milliseconds(1)));
}

TEST(GrpcMessage, Timeouts) {
  check_timeout(std::chrono::milliseconds(1500), "1500m");
  check_timeout(std::chrono::nanoseconds(1), "1m");
  check_timeout(std::chrono::seconds(-1), "1m");
  check_timeout(std::chrono::seconds(99999999 / 1000 + 1), "100000S");
  for (const auto* bad : {"", "m", "1", "1x", "-1m", "123456789m"}) EXPECT_FALSE(parse_timeout(bad)) << bad;
}

TEST(GrpcMessage, EscapesBothWays) {
  const std::string text = "100% of caf\xc3\xa9\nnow";
  EXPECT_EQ(escape_message(text), "100%25 of caf%C3%A9%0Anow");
  EXPECT_EQ(unescape_message(escape_message(text)), text);
  EXPECT_EQ(unescape_message("50% %zz %4"), "50% %zz %4");
  EXPECT_EQ(unescape_message("%41"), "A");
}

TEST(GrpcCode, BecomesAStatusAndBack) {
  const Status status = to_status(Code::NotFound, "no such container");
  EXPECT_EQ(status.message, "rpc error: code = NotFound desc = no such container");
  EXPECT_EQ(status.reason, Reason::NotFound);
  EXPECT_EQ(description_of(status), "no such container");
  EXPECT_EQ(code_of(status), Code::NotFound);
  for (int i = 1; i <= 16; ++i) EXPECT_EQ(code_of(to_status(static_cast<Code>(i), "x")), static_cast<Code>(i)) << i;
  EXPECT_EQ(code_of(Status{Reason::Conflict, 0, "rpc error: code = NotFound desc = x", {}}), Code::FailedPrecondition);  // another's words
  EXPECT_EQ(parse_code("12"), Code::Unimplemented);
  EXPECT_EQ(parse_code("99"), Code::Unknown);
}

constexpr auto* path = "/tmp/pintle-grpc-test.sock";

rt::Task<Result<std::string>> echo(rt::Context, std::string request) {
  if (request == "fail") co_return error(Reason::NotFound, "nothing at 100%");
  if (request == "say") co_return error(Reason::InternalError, " it ended: ");
  co_return "echo " + request;
}
rt::Task<Result<std::string>> wait_for_end(rt::Context ctx, std::string) {
  const auto slept = co_await rt::sleep_for(ctx, std::chrono::hours(1));
  co_return Unexpected(slept.error());
}
rt::Task<Result<Unit>> count(rt::Context ctx, std::string request, StreamWriter& writer) {
  for (int i = 0; i < std::stoi(request); ++i) CO_TRY(co_await writer.write(std::to_string(i)));
  if (request == "2") co_return error(Reason::Unauthorized, "no more");
  if (request == "1") CO_TRY(co_await rt::sleep_for(ctx, std::chrono::hours(1)));
  co_return Unit{};
}

struct Pair {
  explicit Pair(rt::Runtime& runtime) : server(runtime) {
    server.on("/t.S/Echo", echo);
    server.on("/t.S/Wait", wait_for_end);
    server.on_stream("/t.S/Count", count);
    CHECK(server.start(path), "listens");
    channel = std::move(*Channel::make(runtime, {.target = std::string("unix://") + path}));
  }
  rt::Task<void> close() {
    co_await channel->close();
    co_await server.stop();
  }
  Server server;
  std::unique_ptr<Channel> channel;
};

rt::Task<void> calls() {
  Pair pair(rt::Executor::current().runtime());
  const auto ctx = rt::Context::background();
  EXPECT_EQ(*co_await pair.channel->unary(ctx, "/t.S/Echo", "hi"), "echo hi");
  const std::string large(3 << 20, 'x');
  const auto big = co_await pair.channel->unary(ctx, "/t.S/Echo", large);
  EXPECT_EQ(big->size(), large.size() + 5);
  const auto failed = co_await pair.channel->unary(ctx, "/t.S/Echo", "fail");
  EXPECT_EQ(failed.error().message, "rpc error: code = NotFound desc = nothing at 100%");
  const auto said = co_await pair.channel->unary(ctx, "/t.S/Echo", "say");
  EXPECT_EQ(said.error().message, "rpc error: code = Internal desc =  it ended: ");
  const auto unknown = co_await pair.channel->unary(ctx, "/t.S/None", "");
  EXPECT_EQ(unknown.error().reason, Reason::MethodNotAllowed);
  const auto late = co_await pair.channel->unary(ctx.with_timeout(std::chrono::milliseconds(50)), "/t.S/Wait", "");
  EXPECT_EQ(late.error().reason, Reason::Timeout);
  co_await pair.close();
}

rt::Task<std::string> read_all(Channel& channel, std::string n) {
  const auto ctx = rt::Context::background();
  auto reader = co_await channel.server_stream(ctx, "/t.S/Count", n);
  std::string seen;
  while (true) {
    auto next = co_await (*reader)->next(ctx);
    if (!next) co_return seen + " " + std::string(reason_name(next.error().reason));
    if (!*next) co_return seen;
    seen += **next + ",";
  }
}

rt::Task<void> streams() {
  Pair pair(rt::Executor::current().runtime());
  EXPECT_EQ(co_await read_all(*pair.channel, "0"), "");
  EXPECT_EQ(co_await read_all(*pair.channel, "3"), "0,1,2,");
  EXPECT_EQ(co_await read_all(*pair.channel, "2"), "0,1, Unauthorized");
  auto cancelled = co_await pair.channel->server_stream(rt::Context::background(), "/t.S/Count", "1");
  EXPECT_EQ(**co_await (*cancelled)->next(rt::Context::background()), "0");
  cancelled->reset();
  co_await pair.close();
}

rt::Task<void> restarts() {
  auto& runtime = rt::Executor::current().runtime();
  const auto ctx = rt::Context::background();
  auto channel = std::move(*Channel::make(runtime, {.target = path}));
  const auto none = co_await channel->unary(ctx, "/t.S/Echo", "x");
  EXPECT_EQ(none.error().reason, Reason::ServiceUnavailable);
  for (int i = 0; i < 2; ++i) {
    Pair pair(runtime);
    EXPECT_EQ(*co_await channel->unary(ctx, "/t.S/Echo", "x"), "echo x");
    co_await pair.close();
    const auto gone = co_await channel->unary(ctx, "/t.S/Echo", "x");
    EXPECT_EQ(gone.error().reason, Reason::ServiceUnavailable);
  }
  co_await channel->close();
}

rt::Task<void> connections() {
  auto& runtime = rt::Executor::current().runtime();
  const auto ctx = rt::Context::background();
  auto channel = std::move(*Channel::make(runtime, {.target = path}));
  const auto none = co_await channel->connect(ctx);
  EXPECT_EQ(none.error().reason, Reason::ServiceUnavailable);
  EXPECT_TRUE(co_await channel->disconnected(ctx)) << "there is none";
  for (int i = 0; i < 2; ++i) {
    Server server(runtime);
    server.on("/t.S/Echo", echo);
    EXPECT_TRUE(server.start(path));
    EXPECT_TRUE(co_await channel->connect(ctx));
    EXPECT_TRUE(co_await channel->connect(ctx)) << "it is there";
    const auto lives = co_await channel->disconnected(ctx.with_timeout(std::chrono::milliseconds(50)));
    EXPECT_EQ(lives.error().reason, Reason::Timeout);
    EXPECT_EQ(*co_await channel->unary(ctx, "/t.S/Echo", "x"), "echo x");
    co_await server.stop();
    EXPECT_TRUE(co_await channel->disconnected(ctx));
  }
  co_await channel->close();
}

TEST(Grpc, TellsOfItsConnection) {
  ::unlink(path);
  rt::testing::run_task(connections());
  rt::testing::run_sim(connections(), 9);
}

TEST(Grpc, Calls) {
  ::unlink(path);
  rt::testing::run_task(calls());
  rt::testing::run_sim(calls(), 7);
}
TEST(Grpc, Streams) {
  ::unlink(path);
  rt::testing::run_task(streams());
  rt::testing::run_sim(streams(), 3);
}
TEST(Grpc, RedialsAfterARestart) {
  ::unlink(path);
  rt::testing::run_sim(restarts(), 5);
}

}  // namespace
}  // namespace pintle::net::grpc

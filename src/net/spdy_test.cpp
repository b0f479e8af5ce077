#include "net/spdy.h"

#include <gtest/gtest.h>

#include "base/check.h"
#include "rt/combine.h"
#include "rt/runtime.h"
#include "rt/testing.h"

namespace pintle::net {
namespace {

using namespace std::string_literals;

std::string describe(std::string_view bytes) {
  const auto head = parse_spdy_head(bytes);
  if (!head) return head.error().message;
  if (!head->control)
    return "data " + std::to_string(head->stream_id) + " flags " + std::to_string(head->flags) + " length " + std::to_string(head->length);
  return "control " + std::to_string(static_cast<int>(head->type)) + " flags " + std::to_string(head->flags) + " length " +
         std::to_string(head->length);
}

TEST(SpdyFrame, Heads) {
  EXPECT_EQ(describe("\x80\x03\x00\x01\x01\x00\x00\x0a"s), "control 1 flags 1 length 10");
  EXPECT_EQ(describe("\x00\x00\x00\x05\x01\x00\x01\x00"s), "data 5 flags 1 length 256");
  EXPECT_EQ(describe("\x80\x02\x00\x01\x00\x00\x00\x00"s), "SPDY: version 2 is not spoken here");
  EXPECT_EQ(describe("\x80\x03\x00\x01\x00\x01\x00\x01"s), "SPDY: a control frame of 65537 bytes");
  EXPECT_EQ(describe("\x00\x00\x00\x00\x00\x00\x00\x01"s), "SPDY: data on stream 0");
  EXPECT_EQ(spdy_ping(7), "\x80\x03\x00\x06\x00\x00\x00\x04\x00\x00\x00\x07"s);
  EXPECT_EQ(describe(spdy_rst_stream(3, SpdyReset::Cancel)), "control 3 flags 0 length 8");
}

TEST(SpdyHeaders, RoundTripsKeepTheirState) {
  SpdyDeflater deflater;
  SpdyInflater inflater;
  const SpdyHeaders cases[] = {{},
                               {{"streamtype", "stdin"}},
                               {{"streamtype", "stdout"}, {"port", "80"}, {"requestid", "0"}},
                               {{"x", std::string(20000, 'y')}},
                               {{"streamtype", "error"}}};
  for (const SpdyHeaders& headers : cases) {
    const auto again = inflater.expand(deflater.compress(headers));
    ASSERT_TRUE(again) << again.error().message;
    EXPECT_EQ(*again, headers);
  }
  EXPECT_LT(deflater.compress({{"streamtype", "stdin"}}).size(), 24u);  // known by then
}

TEST(SpdyHeaders, NamesGoInLowerCase) {
  EXPECT_EQ(parse_spdy_block(format_spdy_block({{"StreamType", "Data"}})).value(), (SpdyHeaders{{"streamtype", "Data"}}));
}

void check_bad_block(const std::string& block, std::string_view message) {
  const auto headers = parse_spdy_block(block);
  ASSERT_FALSE(headers);
  EXPECT_EQ(headers.error().message, message);
}

TEST(SpdyHeaders, Refusals) {
  check_bad_block("\x00\x00"s, "SPDY: a control frame is too short");
  check_bad_block("\x00\x00\x00\x01\x00\x00\x00\x09"s + "abc", "SPDY: a header is cut off");
  check_bad_block("\x00\x00\x00\x01\x00\x00\x00\x00\x00\x00\x00\x00"s, "SPDY: a header without a name");
  check_bad_block("\x00\x00\x00\x00x"s, "SPDY: bytes behind the headers");
  check_bad_block("\x00\x00\x00\x01\x00\x00\x00\x01\x41\x00\x00\x00\x00"s, "SPDY: a header's name is not in lower case");
  SpdyDeflater deflater;
  EXPECT_FALSE(SpdyInflater().expand("rubbish"));
  EXPECT_FALSE(SpdyInflater().expand(deflater.compress({{"x", std::string(spdy_headers_bytes_max, 'y')}})));
}

struct Pair {
  std::unique_ptr<rt::Stream> client;
  std::unique_ptr<rt::Stream> server;
};
rt::Task<void> accept_one(rt::Listener* listener, std::unique_ptr<rt::Stream>* out) {
  auto stream = co_await listener->accept(rt::Context::background());
  CHECK(stream, "accepted");
  *out = std::move(*stream);
}
rt::Task<Pair> connect_pair() {
  auto& network = rt::Executor::current().runtime().network();
  const rt::Endpoint any{"127.0.0.1", 0};
  auto listener = network.listen(any);
  CHECK(listener, "listening");
  Pair pair;
  rt::TaskGroup group;
  group.spawn(accept_one(listener->get(), &pair.server));
  auto client = co_await network.connect(rt::Context::background(), (*listener)->local());
  CHECK(client, "connected");
  pair.client = std::move(*client);
  co_await group.join();
  co_return pair;
}

rt::Task<void> run(SpdySession* session) { (void)co_await session->run(rt::Context::background()); }

rt::Task<std::string> read_to_end(SpdyStreamPtr stream) {
  std::string all;
  while (true) {
    auto piece = co_await stream->read(rt::Context::background());
    if (!piece) co_return all + "!" + piece.error().message;
    if (piece->empty()) co_return all;
    all += piece->view();
  }
}

// Sends every stream back to where it came from, under its "streamtype".
rt::Task<void> echo_one(SpdyStreamPtr stream) {
  const rt::Context ctx = rt::Context::background();
  const std::string all = co_await read_to_end(stream);
  (void)co_await stream->write(ctx, Bytes(std::string(spdy_header(stream->headers(), "streamtype")) + ":" + all));
  (void)co_await stream->finish(ctx);
}
rt::Task<void> echo(SpdySession* session) {
  rt::TaskGroup group;
  while (true) {
    auto stream = co_await session->accept(rt::Context::background());
    if (!stream) break;
    group.spawn(echo_one(*stream));
  }
  co_await group.join();
}

rt::Task<std::string> ask(SpdySession* session, std::string type, std::string text) {
  const rt::Context ctx = rt::Context::background();
  SpdyHeaders headers;
  headers.emplace_back("streamType", std::move(type));
  auto stream = co_await session->open(ctx, std::move(headers));
  if (!stream) co_return stream.error().message;
  auto wrote = co_await (*stream)->write(ctx, Bytes(std::move(text)));
  if (!wrote) co_return wrote.error().message;
  (void)co_await (*stream)->finish(ctx);
  co_return co_await read_to_end(*stream);
}

rt::Task<void> sessions() {
  Pair pair = co_await connect_pair();
  SpdySession client(std::move(pair.client), false), server(std::move(pair.server), true);
  rt::TaskGroup group;
  group.spawn(run(&client));
  group.spawn(run(&server));
  group.spawn(echo(&server));
  std::vector<rt::Task<std::string>> asks;
  const std::string big(100000, 'b');
  asks.push_back(ask(&client, "stdin", "hello"));
  asks.push_back(ask(&client, "stdout", ""));
  asks.push_back(ask(&client, "error", big));
  const auto answers = co_await rt::when_all(std::move(asks));
  EXPECT_EQ(answers[0], "stdin:hello");
  EXPECT_EQ(answers[1], "stdout:");
  EXPECT_EQ(answers[2], "error:" + big);
  co_await client.close();
  co_await group.join();
  const std::string after = co_await ask(&client, "stdin", "late");
  EXPECT_EQ(after, "the SPDY connection has ended");
}
TEST(SpdySession, StreamsCrossBothWays) {
  for (uint64_t seed = 1; seed <= 20; ++seed) rt::testing::run_sim(sessions(), seed);
  rt::testing::run_task(sessions());
}

rt::Task<void> resets() {
  const rt::Context ctx = rt::Context::background();
  Pair pair = co_await connect_pair();
  SpdySession client(std::move(pair.client), false), server(std::move(pair.server), true);
  rt::TaskGroup group;
  group.spawn(run(&client));
  group.spawn(run(&server));
  SpdyHeaders headers;
  headers.emplace_back("streamtype", "error");
  auto opened = co_await client.open(ctx, std::move(headers));
  CHECK(opened, "a stream");
  auto accepted = co_await server.accept(ctx);
  CHECK(accepted, "a stream");
  (void)co_await (*accepted)->write(ctx, Bytes("status"));
  co_await (*accepted)->reset(ctx);
  const std::string all = co_await read_to_end(*opened);
  EXPECT_EQ(all, "status");  // what had come before the reset is there
  auto wrote = co_await (*opened)->write(ctx, Bytes("x"));
  EXPECT_FALSE(wrote);
  co_await server.close();
  co_await group.join();
}
TEST(SpdySession, AResetEndsAStreamAfterWhatItSent) { rt::testing::run_sim(resets()); }

rt::Task<void> unread() {
  const rt::Context ctx = rt::Context::background();
  Pair pair = co_await connect_pair();
  SpdySession client(std::move(pair.client), false), server(std::move(pair.server), true);
  rt::TaskGroup group;
  group.spawn(run(&client));
  group.spawn(run(&server));
  SpdyHeaders headers;
  auto opened = co_await client.open(ctx, headers);
  auto accepted = co_await server.accept(ctx);
  CHECK(opened && accepted, "a stream");
  // Far more than one stream may hold: the writer waits until the reader throws it away.
  const rt::Context short_time = ctx.with_timeout(std::chrono::seconds(5));
  auto wrote = co_await (*opened)->write(short_time, Bytes(std::string(64 << 20, 'x')));
  EXPECT_FALSE(wrote);
  (*accepted)->discard();
  co_await client.close();
  co_await server.close();
  co_await group.join();
}
TEST(SpdySession, AStreamNobodyReadsHoldsTheWriterBack) { rt::testing::run_sim(unread()); }

rt::Task<std::string> hostile(std::string bytes) {
  Pair pair = co_await connect_pair();
  SpdySession server(std::move(pair.server), true);
  (void)co_await pair.client->write(rt::Context::background(), std::string_view(bytes));
  pair.client->shutdown_write();
  auto ended = co_await server.run(rt::Context::background());
  co_return ended ? "" : ended.error().message;
}
TEST(SpdySession, HostilePeers) {
  const auto check = [](std::string bytes, std::string_view message) { EXPECT_EQ(rt::testing::run_sim(hostile(std::move(bytes))), message); };
  check("", "");
  check("GET / HTTP/1.1\r\n\r\n", "SPDY: the connection ended inside a frame");
  check("\x80\x03\x00\x01\x00\xff\xff\xff"s, "SPDY: a control frame of 16777215 bytes");
  check("\x80\x03\x00\x01\x00\x00\x00\x04\x00\x00\x00\x01"s, "SPDY: a control frame is too short");
  check("\x80\x03\x00\x01\x00\x00\x00\x0e\x00\x00\x00\x01\x00\x00\x00\x00\x00\x00zzzz"s, "SPDY: headers do not expand");
  check(
      "\x00\x00\x00\x09\x01\x00\x00\x03"
      "abc"s,
      "");  // data of a stream that is not there
  check(spdy_ping(1), "");
}

}  // namespace
}  // namespace pintle::net

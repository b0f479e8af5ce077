#include "net/websocket.h"

#include <gtest/gtest.h>

#include "net/testing.h"
#include "rt/testing.h"

namespace pintle::net {
namespace {

std::string describe(std::string_view bytes, bool expect_mask) {
  auto head = parse_ws_head(bytes, expect_mask);
  if (!head) return "error";
  if (!*head) return "more";
  const auto& h = **head;
  return std::string(h.fin ? "fin " : "") + std::to_string(static_cast<int>(h.opcode)) + " " + std::to_string(h.length) + " head " +
         std::to_string(h.head_bytes);
}

TEST(WebSocketFrame, Heads) {
  struct Case {
    std::string bytes;
    bool mask;
    std::string want;
  };
  using namespace std::string_literals;
  const Case table[] = {
      {"\x81\x05"s, false, "fin 1 5 head 2"},
      {"\x02\x00"s, false, "2 0 head 2"},
      {"\x82\x7e\x01\x00"s, false, "fin 2 256 head 4"},
      {"\x82\x7f\x00\x00\x00\x00\x00\x01\x00\x00"s, false, "fin 2 65536 head 10"},
      {"\x82\x83wxyz"s, true, "fin 2 3 head 6"},
      {"\x89\x00"s, false, "fin 9 0 head 2"},
      {"\x81"s, false, "more"},
      {"\x82\x7e\x01"s, false, "more"},
      {"\x82\x83wx"s, true, "more"},
      {"\xc1\x00"s, false, "error"},          // a reserved bit
      {"\x83\x00"s, false, "error"},          // a reserved opcode
      {"\x09\x00"s, false, "error"},          // a fragmented ping
      {"\x89\x7e\x00\x80"s, false, "error"},  // a long one
      {"\x82\x7e\x00\x7d"s, false, "error"},  // a length in a longer form
      {"\x82\x7f\x00\x00\x00\x00\x00\x00\xff\xff"s, false, "error"},
      {"\x82\x7f\xff\xff\xff\xff\xff\xff\xff\xff"s, false, "error"},
      {"\x82\x01"s, true, "error"},
      {"\x82\x81wxyz"s, false, "error"},
  };
  for (const auto& one : table) EXPECT_EQ(describe(one.bytes, one.mask), one.want) << one.want;
  for (uint64_t length : {0u, 125u, 126u, 65535u, 65536u}) {
    WsFrameHead head;
    head.length = length;
    head.mask = WsMask{'a', 'b', 'c', 'd'};
    auto again = parse_ws_head(format_ws_head(head), true);
    ASSERT_TRUE(again && *again) << length;
    EXPECT_EQ((*again)->length, length);
    EXPECT_EQ((*again)->mask, head.mask);
  }
}

TEST(WebSocketFrame, Utf8) {
  for (std::string_view good : {"", "abc", "\xc3\xa9", "\xe2\x82\xac", "\xf0\x9f\x98\x80"}) EXPECT_TRUE(is_utf8(good)) << good;
  for (std::string_view bad : {"\x80", "\xc0\x80", "\xc3", "\xed\xa0\x80", "\xf4\x90\x80\x80", "\xe2\x82", "a\xff"}) EXPECT_FALSE(is_utf8(bad));
}

// Sends back what it gets; "bye" closes with 4000.
rt::Task<void> echo(rt::Context ctx, WebSocket* socket) {
  while (true) {
    auto message = co_await socket->read(ctx);
    if (!message || !*message) co_return;
    if ((*message)->data.view() == "bye") {
      (void)co_await socket->close(ctx, 4000, "as you wish");
      continue;
    }
    std::vector<Bytes> data;
    data.push_back((*message)->data);
    auto sent = co_await socket->write(ctx, (*message)->text, std::move(data));
    if (!sent) co_return;
  }
}

class SocketHandler final : public Handler {
 public:
  rt::Task<void> serve(rt::Context, Request& request, ResponseWriter& writer) override {
    WebSocketHandler handler = [](rt::Context ctx, WebSocket& socket, std::string) { return echo(std::move(ctx), &socket); };
    std::vector<std::string> protocols;
    protocols.push_back("v5.channel.k8s.io");
    protocols.push_back("v4.channel.k8s.io");
    WebSocketOptions options;
    options.message_bytes_max = 100000;
    (void)co_await accept_websocket(request, writer, protocols, rt::Executor::current().runtime().random(), handler, options);
  }
};

rt::Task<std::string> say(WebSocket* socket, bool text, std::string what) {
  const rt::Context ctx = rt::Context::background();
  std::vector<Bytes> data;
  data.push_back(Bytes(what.substr(0, what.size() / 2)));
  data.push_back(Bytes(what.substr(what.size() / 2)));
  (void)co_await socket->write(ctx, text, std::move(data));
  auto answer = co_await socket->read(ctx);
  if (!answer) co_return "error: " + answer.error().message;
  if (!*answer) co_return "closed " + std::to_string(socket->closed().code) + " " + socket->closed().reason;
  co_return std::string((*answer)->data.view());
}

rt::Task<void> sockets() {
  auto& runtime = rt::Executor::current().runtime();
  const rt::Context ctx = rt::Context::background();
  SocketHandler handler;
  ServerOptions options;
  options.listen.address = "127.0.0.1";
  auto server = make_server(runtime, handler, options);
  auto started = co_await server->start();
  CHECK(started, "the server starts");
  auto transport = make_transport(runtime, ClientOptions{});
  CHECK(transport, "the transport");
  const std::string url = "http://" + rt::to_string(server->local()) + "/";
  std::vector<std::string> offered;
  offered.push_back("v9");
  offered.push_back("v4.channel.k8s.io");
  auto made = co_await dial_websocket(**transport, ctx, url, Headers(), offered, runtime.random());
  EXPECT_TRUE(made) << (made ? "" : made.error().message);
  if (made) {
    EXPECT_EQ(made->protocol, "v4.channel.k8s.io");
    WebSocket* socket = made->socket.get();
    auto hello = co_await say(socket, true, "hello");
    EXPECT_EQ(hello, "hello");
    const std::string big(70000, '\xff');
    auto binary = co_await say(socket, false, big);
    EXPECT_TRUE(binary == big);
    (void)co_await socket->ping(ctx);
    auto after_ping = co_await say(socket, true, "still there");
    EXPECT_EQ(after_ping, "still there");
    auto bye = co_await say(socket, true, "bye");
    EXPECT_EQ(bye, "closed 4000 as you wish");
    made->socket.reset();
  }
  auto too_big = co_await dial_websocket(**transport, ctx, url, Headers(), std::vector<std::string>(), runtime.random());
  EXPECT_TRUE(too_big && too_big->protocol.empty());
  if (too_big) {
    auto end = co_await say(too_big->socket.get(), false, std::string(100001, 'x'));
    EXPECT_EQ(end, "closed 1009 message too large");
    too_big->socket.reset();
  }
  std::vector<std::string> unknown;
  unknown.push_back("v9");
  auto refused = co_await dial_websocket(**transport, ctx, url, Headers(), unknown, runtime.random());
  EXPECT_TRUE(!refused && refused.error().http() == 400);
  co_await (*transport)->close();
  co_await server->drain(std::chrono::seconds(1));
}
TEST(WebSocket, BothEnds) {
  rt::testing::run_task(sockets());
  for (uint64_t seed = 1; seed <= 5; ++seed) rt::testing::run_sim(sockets(), seed);
}

// What the server sends after the handshake when a client sends these frames (all masked with zeros).
rt::Task<std::string> provoke(rt::Endpoint to, std::string frames, bool half_close) {
  const std::string handshake =
      "GET / HTTP/1.1\r\nHost: a\r\nConnection: keep-alive, Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
      "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";
  auto got = co_await testing::talk(std::move(to), handshake + frames, half_close);
  const auto end = got.find("\r\n\r\n");
  EXPECT_NE(got.find("s3pPLMBiTxaQ9kYGzzhZRbK+xOo="), std::string::npos);  // RFC 6455 section 1.3
  co_return end == std::string::npos ? got : got.substr(end + 4);
}

rt::Task<void> violations() {
  using namespace std::string_literals;
  auto& runtime = rt::Executor::current().runtime();
  SocketHandler handler;
  ServerOptions options;
  options.listen.address = "127.0.0.1";
  auto server = make_server(runtime, handler, options);
  auto started = co_await server->start();
  CHECK(started, "the server starts");
  struct Case {
    std::string send, want;
  };
  const std::string zero(4, '\0');
  const std::vector<Case> table{
      {"\x81\x82"s + zero + "hi" + "\x88\x82"s + zero + "\x03\xe8", "\x81\x02hi\x88\x02\x03\xe8"s},
      {"\x01\x81"s + zero + "a" + "\x89\x81"s + zero + "p" + "\x80\x81"s + zero + "b" + "\x88\x80"s + zero,
       "\x8a\x01p\x81\x02"
       "ab\x88\x00"s},
      {"\x81\x01x", "\x88"},         // not masked
      {"\x80\x80"s + zero, "\x88"},  // a continuation of nothing
      {"\x01\x81"s + zero + "a" + "\x01\x81"s + zero + "b", "\x88"},
      {"\x81\x81"s + zero + "\xff", "\x88\x1d\x03\xef"s},            // not UTF-8: 1007
      {"\x88\x81"s + zero + "x", "\x88"},                            // a close of one byte
      {"\x88\x82"s + zero + "\x03\xed", "\x88"},                     // a code that may not be sent
      {"\x82\xff\x7f\xff\xff\xff\xff\xff\xff\xff"s + zero, "\x88"},  // longer than memory
      {"\x82\xfe"s, ""},                                             // ends in the middle
  };
  for (const auto& one : table) {
    auto got = co_await provoke(server->local(), one.send, one.want.empty());
    EXPECT_TRUE(got.starts_with(one.want)) << ::testing::PrintToString(one.send) << " got " << ::testing::PrintToString(got);
  }
  co_await server->drain(std::chrono::seconds(1));
}
TEST(WebSocket, ViolationsEndIt) {
  for (uint64_t seed = 1; seed <= 3; ++seed) rt::testing::run_sim(violations(), seed);
}

}  // namespace
}  // namespace pintle::net

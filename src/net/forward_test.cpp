// Forwarding: which headers go on, and bodies that pass as they are taken, through a front server to one behind it.
#include "net/forward.h"

#include <gtest/gtest.h>

#include "net/testing.h"
#include "rt/sync.h"
#include "rt/testing.h"

namespace pintle::net {
namespace {

using testing::fetch;
using testing::talk;
using testing::TestServer;

rt::Runtime& runtime() { return rt::Executor::current().runtime(); }
std::unique_ptr<ForwardingTransport> transport() {
  ClientOptions options;
  options.insecure_skip_verify = true;
  auto made = make_forwarding_transport(runtime(), std::move(options));
  CHECK(made, made ? "" : made.error().message);
  return std::move(*made);
}

std::string shown(const Headers& headers) {
  std::string out;
  for (const auto& [name, value] : headers.items()) out += name + "=" + value + "; ";
  return out;
}

TEST(Forward, Headers) {
  struct Case {
    Headers::Item sent;
    bool upgrade;
    std::string want;
  };
  const std::vector<Case> table{
      {{"Accept", "a/b"}, false, "Accept=a/b; "},
      {{"Cookie", "a=b"}, false, "Cookie=a=b; "},
      {{"Authorization", "Bearer x"}, false, ""},
      {{"Impersonate-User", "x"}, false, ""},
      {{"Impersonate-Extra-y", "x"}, false, ""},
      {{"X-Remote-Group", "x"}, false, ""},
      {{"Proxy-Authorization", "x"}, false, ""},
      {{"Proxy-Connection", "x"}, false, ""},
      {{"Keep-Alive", "x"}, false, ""},
      {{"TE", "trailers"}, false, ""},
      {{"Trailer", "x"}, false, ""},
      {{"Transfer-Encoding", "chunked"}, false, ""},
      {{"Content-Length", "3"}, false, ""},
      {{"Expect", "100-continue"}, false, ""},
      {{"Upgrade", "x"}, false, ""},
      {{"X-Kept", "x"}, false, "X-Kept=x; "},
      {{"X-Secret", "x"}, false, ""},
      {{"x-OTHER", "x"}, false, ""},
      {{"X-Secret", "x"}, true, ""},
      {{"Upgrade", "websocket"}, true, "Upgrade=websocket; "},
      {{"Sec-WebSocket-Key", "k"}, true, "Sec-WebSocket-Key=k; "},
      {{"Sec-WebSocket-Protocol", "base64url.bearer.authorization.k8s.io.dG9rZW4, v4.channel.k8s.io"},
       true,
       "Sec-WebSocket-Protocol=v4.channel.k8s.io; "},
      {{"sec-websocket-protocol", "a,Base64URL.bearer.authorization.k8s.io.dG9rZW4,b"}, true, "sec-websocket-protocol=a, b; "},
      {{"Sec-WebSocket-Protocol", "base64url.bearer.authorization.k8s.io.dG9rZW4"}, true, ""},
  };
  for (const auto& one : table) {
    Request request;
    request.headers.add("Connection", "Upgrade, X-Secret");
    request.headers.add("connection", " close ,x-other");
    request.headers.add(one.sent.first, one.sent.second);
    std::string got = shown(forwarded_headers(request, one.upgrade));
    if (one.upgrade) {
      EXPECT_EQ(got.find("Connection=Upgrade; ") == std::string::npos, false) << got;
      got.erase(got.find("Connection=Upgrade; "), 20);
      if (one.sent.first != "Upgrade") got.erase(got.find("Upgrade=; "), 10);
    }
    EXPECT_EQ(got, one.want) << one.sent.first;
  }
}

// Forwards everything to one server.
class Front final : public Handler {
 public:
  explicit Front(ForwardingTransport& transport) : transport_(transport) {}
  rt::Task<void> serve(rt::Context ctx, Request& request, ResponseWriter& writer) override {
    std::string url = behind + request.path;
    ForwardOptions options;
    auto done = co_await forward_request(ctx, request, writer, transport_, std::move(url), std::move(options));
    if (!done && !writer.started()) (void)co_await respond(writer, 502, "text/plain", Bytes(done.error().message));
    ++served;
  }
  std::string behind;
  int served = 0;

 private:
  ForwardingTransport& transport_;
};

struct World {
  explicit World(bool http2_behind) : out(transport()), front(*out) {
    ServerOptions options;
    options.listen.address = "127.0.0.1";
    server = make_server(runtime(), front, std::move(options));
    ServerOptions inner;
    if (http2_behind) inner.tls = testing::write_server_tls("/tls", ca, testing::issue(ca, "server", "IP:127.0.0.1"));
    backend = std::make_unique<TestServer>(std::move(inner));
  }
  rt::Task<void> start() {
    co_await backend->start();
    front.behind = backend->url("");
    auto started = co_await server->start();
    CHECK(started, "the front server");
  }
  rt::Task<void> stop() {
    co_await server->drain(std::chrono::seconds(1));
    co_await out->close();
    co_await backend->stop(std::chrono::seconds(1));
  }
  testing::KeyPair ca = testing::make_ca("ca");
  std::unique_ptr<ForwardingTransport> out;
  Front front;
  std::unique_ptr<Server> server;
  std::unique_ptr<TestServer> backend;
};

std::string post(const std::string& path, const std::string& body) {
  return "POST " + path + " HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
}
std::string post_chunked(const std::string& path, std::string_view body) {
  std::string out = "POST " + path + " HTTP/1.1\r\nHost: a\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n";
  for (; !body.empty(); body.remove_prefix(std::min<std::size_t>(body.size(), 1000))) {
    const auto piece = body.substr(0, 1000);
    char size[16];
    snprintf(size, sizeof size, "%zx\r\n", piece.size());
    out.append(size).append(piece).append("\r\n");
  }
  return out + "0\r\n\r\n";
}

rt::Task<void> bodies(bool http2_behind, std::size_t most) {
  World world(http2_behind);
  co_await world.start();
  std::string text(3 << 20, 'a');
  for (std::size_t i = 0; i < text.size(); i += 997) text[i] = static_cast<char>('a' + i % 26);
  for (const auto& send : {post("/echo", text), post_chunked("/echo", text)}) {
    auto got = co_await talk(world.server->local(), send, false);
    EXPECT_TRUE(got.starts_with("HTTP/1.1 200 ") && got.ends_with(text)) << got.substr(0, 300) << got.size();
  }
  const std::string much(most, 'm');
  auto counted = co_await talk(world.server->local(), post("/count", much), false);
  EXPECT_TRUE(counted.find(std::to_string(most)) != std::string::npos) << counted;
  for (const auto& send : {post("/echo", ""), std::string("GET /echo HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"), post_chunked("/echo", "")}) {
    auto empty = co_await talk(world.server->local(), send, false);
    EXPECT_TRUE(empty.starts_with("HTTP/1.1 200 ")) << empty;
  }
  // An answer that does not wait for the body.
  auto early = co_await talk(world.server->local(), post("/hello", std::string(1 << 20, 'x')), false);
  EXPECT_TRUE(early.starts_with("HTTP/1.1 200 ")) << early;
  co_await world.stop();
}
TEST(Forward, BodiesPassAsTheyCome) {
  for (uint64_t seed = 1; seed <= 3; ++seed) {
    // Once more than any body that is kept whole.
    for (const bool http2 : {false, true}) rt::testing::run_sim([=] { return bodies(http2, seed == 1 ? 70 << 20 : 1 << 20); }, seed);
  }
}

// Writes until it is not taken any more; how much was.
rt::Task<std::size_t> push(rt::Stream* stream, std::size_t most) {
  std::string piece(64 << 10, 'p');
  std::size_t sent = 0;
  while (sent < most) {
    rt::Context ctx = rt::Context::background().with_timeout(std::chrono::seconds(20));
    auto wrote = co_await stream->write(ctx, std::string_view(piece));
    if (!wrote) break;
    sent += piece.size();
  }
  co_return sent;
}

rt::Task<void> slow_backend(bool http2_behind) {
  rt::Context ctx = rt::Context::background();
  World world(http2_behind);
  co_await world.start();
  auto stream = co_await runtime().network().connect(ctx, world.server->local());
  CHECK(stream, "connect");
  const std::string head = "POST /hang HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000000\r\n\r\n";
  (void)co_await (*stream)->write(ctx, std::string_view(head));
  const std::size_t taken = co_await push((*stream).get(), 64 << 20);
  EXPECT_LT(taken, 4u << 20);  // the buffers of the way, not the body
  EXPECT_EQ(world.backend->routes.hanging, 1);
  // It ends, though nobody sees the client go behind the body that is waiting.
  (*stream)->close();
  auto start = runtime().clock().now();
  while (world.front.served < 1 && runtime().clock().now() - start < std::chrono::minutes(10))
    (void)co_await rt::sleep_for(ctx, std::chrono::seconds(1));
  EXPECT_LT(runtime().clock().now() - start, std::chrono::minutes(4));
  co_await world.stop();
}
TEST(Forward, ABackendThatDoesNotReadHoldsTheClientBack) {
  for (uint64_t seed = 1; seed <= 3; ++seed) {
    rt::testing::run_sim([] { return slow_backend(false); }, seed);
    rt::testing::run_sim([] { return slow_backend(true); }, seed);
  }
}

rt::Task<void> broken_body(bool http2_behind, bool chunked) {
  World world(http2_behind);
  co_await world.start();
  const std::string body(100000, 'b');
  const std::string whole = chunked ? post_chunked("/count", body) : post("/count", body);
  auto got = co_await talk(world.server->local(), whole.substr(0, whole.size() - 5000), true);
  EXPECT_FALSE(got.starts_with("HTTP/1.1 200 ")) << got;
  (void)co_await rt::sleep_for(rt::Context::background(), std::chrono::seconds(10));
  EXPECT_EQ(world.backend->routes.body_errors, world.backend->routes.served);  // a part is never taken for the whole
  co_await world.stop();
}
TEST(Forward, ABodyThatBreaksOffIsNotTakenForWhole) {
  for (uint64_t seed = 1; seed <= 3; ++seed)
    for (const bool http2 : {false, true})
      for (const bool chunked : {false, true}) rt::testing::run_sim([=] { return broken_body(http2, chunked); }, seed);
}

rt::Task<void> client_that_does_not_read() {
  rt::Context ctx = rt::Context::background();
  World world(false);
  co_await world.start();
  auto stream = co_await runtime().network().connect(ctx, world.server->local());
  CHECK(stream, "connect");
  const std::string head = "GET /bytes/50000000 HTTP/1.1\r\nHost: a\r\n\r\n";
  (void)co_await (*stream)->write(ctx, std::string_view(head));
  while (world.front.served < 1) (void)co_await rt::sleep_for(ctx, std::chrono::seconds(1));
  co_await world.stop();
}
TEST(Forward, AClientThatDoesNotReadEnds) { rt::testing::run_sim(client_that_does_not_read()); }

}  // namespace
}  // namespace pintle::net

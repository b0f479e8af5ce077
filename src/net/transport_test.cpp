// What a client does when servers come and go, names do not resolve and files change.
#include <gtest/gtest.h>

#include "net/forwarding_transport.h"
#include "net/testing.h"
#include "rt/sync.h"
#include "rt/testing.h"

namespace pintle::net {
namespace {

using testing::fetch;
using testing::TestServer;

rt::Runtime& runtime() { return rt::Executor::current().runtime(); }
std::unique_ptr<Transport> transport_for(ClientOptions options) {
  auto made = make_transport(runtime(), std::move(options));
  CHECK(made, made ? "" : made.error().message);
  return std::move(*made);
}
ClientRequest request(std::string method, std::string url) {
  ClientRequest out;
  out.method = std::move(method);
  out.url = std::move(url);
  return out;
}

// The server is replaced by another on the same port: kept connections are stale, and a GET does not notice.
rt::Task<void> restart(bool tls) {
  const auto ca = testing::make_ca("ca");
  const auto pair = testing::issue(ca, "server", "IP:127.0.0.1");
  ServerOptions options;
  if (tls) options.tls = testing::write_server_tls("/tls", ca, pair);
  ClientOptions client;
  client.ca_pem = ca.cert_pem;
  auto transport = transport_for(client);
  rt::Endpoint at{"127.0.0.1", 0};
  for (int i = 0; i < 4; ++i) {
    options.listen = at;
    TestServer server(options);
    co_await server.start();
    at = server.endpoint();
    for (int k = 0; k < 2; ++k) {
      auto got = co_await fetch(*transport, request("GET", server.url("/bytes/3")));
      EXPECT_EQ(got, "200 xxx") << i;
    }
    co_await server.stop();
  }
  const std::string scheme = tls ? "https://" : "http://";
  auto gone = co_await fetch(*transport, request("GET", scheme + rt::to_string(at) + "/"));
  EXPECT_TRUE(gone.starts_with("error: dial 127.0.0.1:")) << gone;
  co_await transport->close();
  auto closed = co_await fetch(*transport, request("GET", "http://127.0.0.1:1/"));
  EXPECT_EQ(closed, "error: the transport is closed");
}
// The URL says who must answer, the request where it is. A POST that may come twice finds kept connections stale and does not notice; another does.
rt::Task<void> by_address(bool repeatable) {
  const auto ca = testing::make_ca("ca");
  const auto pair = testing::issue(ca, "server", "DNS:web.ns.svc");
  ServerOptions options;
  options.tls = testing::write_server_tls("/tls", ca, pair);
  ClientOptions client;
  client.ca_pem = ca.cert_pem;
  client.http2 = false;
  auto made = make_forwarding_transport(runtime(), client);
  CHECK(made, "a transport");
  auto& transport = **made;
  rt::Endpoint at{"127.0.0.1", 0};
  for (int i = 0; i < 3; ++i) {
    options.listen = at;
    TestServer server(options);
    co_await server.start();
    at = server.endpoint();
    ForwardedRequest asked;
    asked.head = request("POST", "https://web.ns.svc:443/who");
    asked.address = "127.0.0.1";
    asked.port = at.port;
    asked.repeatable = repeatable;
    auto answer = co_await transport.forward(rt::Context::background(), std::move(asked));
    EXPECT_EQ(answer.has_value(), repeatable || i % 2 == 0) << i;
    if (answer) {
      auto body = co_await read_all(rt::Context::background(), *answer->body, 1 << 20);
      EXPECT_TRUE(body && body->view().find("host=web.ns.svc:443") != std::string_view::npos) << (body ? body->view() : "");
      answer->body.reset();
    }
    co_await server.stop();
  }
  co_await transport.close();
}
TEST(Transport, AddressOfItsOwn) {
  rt::testing::run_sim(by_address(true), 1);
  rt::testing::run_sim(by_address(false), 1);
}

TEST(Transport, ServersComeAndGo) {
  for (uint64_t seed = 1; seed <= 5; ++seed) {
    rt::testing::run_sim(restart(false), seed);
    rt::testing::run_sim(restart(true), seed);
  }
}

rt::Task<void> bad_requests() {
  auto transport = transport_for(ClientOptions{});
  TestServer server(ServerOptions{});
  co_await server.start();
  ClientRequest header = request("GET", server.url("/hello"));
  header.headers.add("X-Split", "a\r\nInjected: b");
  auto split = co_await fetch(*transport, header);
  EXPECT_TRUE(split.starts_with("error: malformed header")) << split;
  auto method = co_await fetch(*transport, request("GET / HTTP/1.1\r\nX:", server.url("/hello")));
  EXPECT_TRUE(method.starts_with("error: malformed method")) << method;
  auto url = co_await fetch(*transport, request("GET", "nonsense"));
  EXPECT_TRUE(url.starts_with("error: not an absolute URL")) << url;
  auto fine = co_await fetch(*transport, request("GET", server.url("/bytes/1")));
  EXPECT_EQ(fine, "200 x");
  co_await transport->close();
  co_await server.stop();
}
TEST(Transport, RequestsThatCannotBeSent) { rt::testing::run_sim(bad_requests()); }

// A server of three lines: answers every connection with `answer` and closes.
rt::Task<void> answer_with(rt::Listener* listener, std::string answer, int times) {
  for (int i = 0; i < times; ++i) {
    auto stream = co_await listener->accept(rt::Context::background());
    if (!stream) co_return;
    std::string buffer(4096, '\0');
    (void)co_await (*stream)->read(rt::Context::background(), buffer);
    (void)co_await (*stream)->write(rt::Context::background(), std::string_view(answer));
    (*stream)->shutdown_write();
    (void)co_await (*stream)->read(rt::Context::background(), buffer);
  }
}

rt::Task<void> bad_answers() {
  const std::vector<std::pair<std::string, std::string>> table{
      {"HTTP/1.1 200 OK\r\n\r\nto the end", "200 to the end"},
      {"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok", "200 ok"},
      {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n", "200 ok"},
      {"HTTP/1.1 204 No Content\r\nContent-Length: 5\r\n\r\n", "204 "},
      {"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nok", "error: the peer closed the connection in the middle of a response"},
      {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n", "error: the peer closed the connection in the middle of a response"},
      {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", "error: malformed chunked encoding"},
      {"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nx", "error: malformed response"},
      {"SSH-2.0-OpenSSH\r\n\r\n", "error: malformed response"},
      {"", "error: the peer closed the connection without an answer"},
      {"HTTP/1.1 200 OK\r\nX: " + std::string(2 << 20, 'x'), "error: malformed response: response header too large"},
  };
  for (const auto& [answer, want] : table) {
    auto listener = runtime().network().listen({"127.0.0.1", 0});
    CHECK(listener, "listen");
    rt::TaskGroup group;
    group.spawn(answer_with(listener->get(), answer, 1));
    auto transport = transport_for(ClientOptions{});
    auto got = co_await fetch(*transport, request("GET", "http://" + rt::to_string((*listener)->local()) + "/"));
    EXPECT_TRUE(got.starts_with(want)) << answer.substr(0, 80) << " gave " << got;
    co_await transport->close();
    (*listener)->close();
    co_await group.close();
  }
}
TEST(Transport, MalformedAnswers) {
  for (uint64_t seed = 1; seed <= 3; ++seed) rt::testing::run_sim(bad_answers(), seed);
}

// New client certificates are used by new requests, without a restart.
rt::Task<void> rotate() {
  const auto ca = testing::make_ca("ca");
  const auto pair = testing::issue(ca, "server", "IP:127.0.0.1");
  const auto stranger_ca = testing::make_ca("other");
  const auto stranger = testing::issue(stranger_ca, "stranger", "");
  const auto known = testing::issue(ca, "known", "");
  ServerOptions options;
  options.tls = testing::write_server_tls("/tls", ca, pair);
  TestServer server(options);
  co_await server.start();
  auto& disk = runtime().disk();
  EXPECT_TRUE(disk.write("/tls/client.crt", stranger.cert_pem));
  EXPECT_TRUE(disk.write("/tls/client.key", stranger.key_pem));
  ClientOptions client;
  client.ca_file = "/tls/ca.crt";
  client.cert_file = "/tls/client.crt";
  client.key_file = "/tls/client.key";
  auto transport = transport_for(client);
  auto before = co_await fetch(*transport, request("GET", server.url("/who")));
  EXPECT_NE(before.find("bad peer"), std::string::npos) << before;
  EXPECT_TRUE(disk.replace("/tls/client.crt", known.cert_pem));
  EXPECT_TRUE(disk.replace("/tls/client.key", known.key_pem));
  (void)co_await rt::sleep_for(rt::Context::background(), std::chrono::seconds(10));
  auto after = co_await fetch(*transport, request("GET", server.url("/who")));
  EXPECT_NE(after.find("peer=2"), std::string::npos) << after;
  co_await transport->close();
  co_await server.stop();
}
TEST(Transport, RotatedClientCertificates) { rt::testing::run_sim(rotate()); }

rt::Task<std::string> forwarded(ForwardingTransport* transport, ForwardedRequest request) {
  const rt::Context ctx = rt::Context::background();
  auto response = co_await transport->forward(ctx, std::move(request));
  if (!response) co_return "error: " + response.error().message;
  auto body = co_await read_all(ctx, *response->body, 1000);
  co_return std::to_string(response->status) + " " + (body ? std::string(body->view()) : body.error().message);
}

// A name that was looked at before stands for the address that was found, whatever it resolves to now.
rt::Task<void> pinned() {
  TestServer server(ServerOptions{});
  co_await server.start();
  auto made = make_forwarding_transport(runtime(), {});
  CHECK(made, made ? "" : made.error().message);
  ForwardingTransport& transport = **made;
  const std::string port = std::to_string(server.endpoint().port);
  ForwardedRequest named;
  named.head = request("GET", "http://no.such.name:" + port + "/bytes/3");
  auto unknown = co_await forwarded(&transport, named);
  EXPECT_TRUE(unknown.starts_with("error: ")) << unknown;
  named.address = "127.0.0.1";
  auto found = co_await forwarded(&transport, named);
  EXPECT_EQ(found, "200 xxx");
  named.address = "127.0.0.2";  // another address is another server
  auto other = co_await forwarded(&transport, named);
  EXPECT_TRUE(other.starts_with("error: ")) << other;
  // More servers than are remembered.
  named.address = "127.0.0.1";
  for (int i = 0; i < 1500; ++i) {
    named.head.url = "http://name-" + std::to_string(i) + ":" + port + "/bytes/3";
    auto got = co_await forwarded(&transport, named);
    EXPECT_EQ(got, "200 xxx") << i;
  }
  co_await transport.close();
  co_await server.stop();
}
TEST(Transport, ConnectsToTheAddressThatWasChecked) { rt::testing::run_sim(pinned()); }

}  // namespace
}  // namespace pintle::net

// Client and server against each other: both HTTP versions, with and without TLS, on real sockets and simulated ones.
#include <gtest/gtest.h>
#include <unistd.h>

#include "net/testing.h"
#include "rt/sync.h"
#include "rt/testing.h"

namespace pintle::net {
namespace {

using testing::fetch;
using testing::KeyPair;
using testing::TestServer;

struct World {
  const char* name;
  bool tls;
  bool http2;
  bool simulated;
};
std::ostream& operator<<(std::ostream& out, const World& world) { return out << world.name; }

const KeyPair& ca() {
  static const KeyPair made = testing::make_ca("ca");
  return made;
}
const KeyPair& server_pair() {
  static const KeyPair made = testing::issue(ca(), "server", "IP:127.0.0.1,DNS:localhost");
  return made;
}
const KeyPair& client_pair() {
  static const KeyPair made = testing::issue(ca(), "client", "");
  return made;
}
std::string scratch(const World& world) { return "/tmp/pintle-net-test-" + std::to_string(getpid()) + "-" + world.name; }

ServerOptions server_options(const World& world) {
  ServerOptions options;
  if (world.tls) options.tls = testing::write_server_tls(scratch(world), ca(), server_pair());
  return options;
}
ClientOptions client_options(const World& world) {
  ClientOptions options;
  options.http2 = world.http2;
  options.ca_pem = ca().cert_pem;
  return options;
}
std::unique_ptr<Transport> transport_for(ClientOptions options) {
  auto made = make_transport(rt::Executor::current().runtime(), std::move(options));
  CHECK(made, made ? "" : made.error().message);
  return std::move(*made);
}
ClientRequest get(std::string url) {
  ClientRequest request;
  request.url = std::move(url);
  return request;
}
ClientRequest post(std::string url, std::string body) {
  ClientRequest request = get(std::move(url));
  request.method = "POST";
  request.body = Bytes(std::move(body));
  return request;
}

class Exchange : public ::testing::TestWithParam<World> {
 protected:
  using Scenario = rt::Task<void> (*)(World, TestServer*, Transport*);
  static rt::Task<void> play(World world, Scenario scenario) {
    TestServer server(server_options(world));
    co_await server.start();
    auto transport = transport_for(client_options(world));
    co_await scenario(world, &server, transport.get());
    co_await transport->close();
    co_await server.stop();
  }
  void run(Scenario scenario) {
    const World world = GetParam();
    if (world.simulated) {
      for (uint64_t seed = 1; seed <= 3; ++seed) rt::testing::run_sim([=] { return play(world, scenario); }, seed);
    } else {
      rt::testing::run_task([=] { return play(world, scenario); }, {.threads = 2});
    }
  }
};

rt::Task<void> basics(World world, TestServer* server, Transport* transport) {
  const std::string version = world.http2 && world.tls ? "2" : "1";
  const std::string host = rt::to_string(server->endpoint());
  auto hello = co_await fetch(*transport, get(server->url("/hello?a=b")));
  EXPECT_EQ(hello, "200 GET /hello?a=b host=" + host + " v=" + version + " peer=0 user=");
  auto echo = co_await fetch(*transport, post(server->url("/echo"), "some text"));
  EXPECT_EQ(echo, "200 some text");
  auto empty = co_await fetch(*transport, post(server->url("/echo"), ""));
  EXPECT_EQ(empty, "200 ");
  auto stream = co_await fetch(*transport, get(server->url("/stream")));
  EXPECT_EQ(stream, "200 one two three");
  auto silent = co_await fetch(*transport, get(server->url("/silent")));
  EXPECT_EQ(silent, "500 ");
  ClientRequest head = get(server->url("/bytes/1000"));
  head.method = "HEAD";
  auto response = co_await transport->send(rt::Context::background(), head);
  EXPECT_TRUE(response);
  if (!response) co_return;
  EXPECT_EQ(response->headers.get("Content-Length"), "1000");
  auto body = co_await read_all(rt::Context::background(), *response->body, 10);
  EXPECT_TRUE(body);
  EXPECT_EQ(body->size(), 0u);
}
TEST_P(Exchange, Basics) { run(basics); }

rt::Task<void> large(World, TestServer* server, Transport* transport) {
  std::string text(5 << 20, 'a');
  for (std::size_t i = 0; i < text.size(); i += 997) text[i] = static_cast<char>('a' + i % 26);
  auto echo = co_await fetch(*transport, post(server->url("/echo"), text));
  EXPECT_TRUE(echo == "200 " + text);
  auto bytes = co_await fetch(*transport, get(server->url("/bytes/3000000")));
  EXPECT_EQ(bytes.size(), 3000004u);
  // Past the handler's own limit: an answer, and the connection or a new one goes on.
  auto much = co_await fetch(*transport, post(server->url("/echo"), std::string(9 << 20, 'b')));
  EXPECT_TRUE(much.starts_with("413 ") || much.starts_with("error: ")) << much;
  auto again = co_await fetch(*transport, post(server->url("/echo"), "x"));
  EXPECT_EQ(again, "200 x");
}
TEST_P(Exchange, LargeBodies) { run(large); }

rt::Task<void> one(Transport* transport, std::string url, int* good) {
  auto got = co_await fetch(*transport, get(std::move(url)));
  if (got == "200 " + std::string(100000, 'x')) ++*good;
}
rt::Task<void> many(World, TestServer* server, Transport* transport) {
  int good = 0;
  rt::TaskGroup group;
  for (int i = 0; i < 100; ++i) group.spawn(one(transport, server->url("/bytes/100000"), &good));
  co_await group.join();
  EXPECT_EQ(good, 100);
}
TEST_P(Exchange, ManyAtOnce) { run(many); }

rt::Task<void> wait_for_hang(TestServer* server, int hanging) {
  while (server->routes.hanging < hanging) co_await rt::yield();
}
rt::Task<void> cancel(World, TestServer* server, Transport* transport) {
  auto early = co_await transport->send(rt::Context::background().with_timeout(std::chrono::milliseconds(200)), get(server->url("/hang")));
  EXPECT_FALSE(early);
  EXPECT_TRUE(!early && early.error().reason == Reason::Timeout);
  while (server->routes.cancelled < 1) (void)co_await rt::sleep_for(rt::Context::background(), std::chrono::milliseconds(1));
  EXPECT_EQ(server->routes.hanging, 1);
  auto after = co_await fetch(*transport, post(server->url("/echo"), "fine"));
  EXPECT_EQ(after, "200 fine");
}
TEST_P(Exchange, CancelReachesTheHandler) { run(cancel); }

rt::Task<void> unread(World, TestServer* server, Transport* transport) {
  for (int i = 0; i < 3; ++i) {
    auto response = co_await transport->send(rt::Context::background(), get(server->url("/bytes/9000000")));
    EXPECT_TRUE(response);
    if (!response) co_return;
    auto piece = co_await response->body->read(rt::Context::background());
    EXPECT_TRUE(piece);
  }
  auto after = co_await fetch(*transport, post(server->url("/echo"), "fine"));
  EXPECT_EQ(after, "200 fine");
}
TEST_P(Exchange, ResponseLeftUnread) { run(unread); }

// A write that waits for a peer that does not read ends when the answer is broken off, and the peer can tell.
rt::Task<void> broken_off(World, TestServer* server, Transport* transport) {
  auto response = co_await transport->send(rt::Context::background(), get(server->url("/endless")));
  EXPECT_TRUE(response);
  if (!response) co_return;
  auto ended = co_await server->routes.broken_off.wait(rt::Context::background().with_timeout(std::chrono::seconds(20)));
  EXPECT_TRUE(ended) << "the handler still waits";
  auto rest = co_await read_all(rt::Context::background(), *response->body, 256 << 20);
  EXPECT_FALSE(rest) << "an answer that was broken off looks whole";
  auto after = co_await fetch(*transport, post(server->url("/echo"), "fine"));
  EXPECT_EQ(after, "200 fine");
}
TEST_P(Exchange, AnswersAreBrokenOff) { run(broken_off); }

rt::Task<void> upgrade(World world, TestServer* server, Transport* transport) {
  const rt::Context ctx = rt::Context::background();
  ClientRequest request = get(server->url("/upgrade"));
  request.upgrade = true;
  request.headers.add("Connection", "Upgrade");
  request.headers.add("Upgrade", "shout");
  auto response = co_await transport->send(ctx, request);
  EXPECT_TRUE(response) << world.name;
  if (!response) co_return;
  EXPECT_EQ(response->status, 101);
  EXPECT_TRUE(response->upgraded);
  if (!response->upgraded) co_return;
  auto sent = co_await response->upgraded->write(ctx, std::string_view("hello"));
  EXPECT_TRUE(sent);
  std::string got;
  std::string buffer(64, '\0');
  while (got.size() < 5) {
    auto n = co_await response->upgraded->read(ctx, buffer);
    if (!n || *n == 0) break;
    got.append(buffer.data(), *n);
  }
  EXPECT_EQ(got, "HELLO");
  response->upgraded->shutdown_write();
  auto end = co_await response->upgraded->read(ctx, buffer);
  EXPECT_TRUE(end && *end == 0);
}
TEST_P(Exchange, Upgrade) { run(upgrade); }

rt::Task<void> drain_with_work(World world, TestServer* server, Transport* transport) {
  int good = 0;
  rt::TaskGroup group;
  group.spawn(one(transport, server->url("/bytes/100000"), &good));
  group.spawn(one(transport, server->url("/hang"), &good));
  co_await wait_for_hang(server, 1);
  co_await server->stop(std::chrono::milliseconds(50));
  co_await group.join();
  EXPECT_EQ(server->routes.cancelled, 1) << world.name;
  auto after = co_await fetch(*transport, get(server->url("/hello")));
  EXPECT_TRUE(after.starts_with("error: ")) << after;
}
TEST_P(Exchange, DrainEndsWhatHangs) { run(drain_with_work); }

INSTANTIATE_TEST_SUITE_P(Worlds, Exchange,
                         ::testing::Values(World{"plain", false, false, false}, World{"tls1", true, false, false}, World{"tls2", true, true, false},
                                           World{"sim_plain", false, false, true}, World{"sim_tls1", true, false, true},
                                           World{"sim_tls2", true, true, true}),
                         [](const auto& info) { return std::string(info.param.name); });

// ---- identity ----

rt::Task<std::string> ask_as(TestServer* server, ClientOptions options) {
  auto transport = transport_for(std::move(options));
  auto answer = co_await fetch(*transport, get(server->url("/who")));
  co_await transport->close();
  const auto at = answer.find(" peer=");
  co_return at == std::string::npos ? answer : answer.substr(at + 1);
}
rt::Task<void> identities() {
  const World world{"identities", true, true, true};
  TestServer server(server_options(world));
  co_await server.start();
  const KeyPair other_ca = testing::make_ca("other");
  const KeyPair stranger = testing::issue(other_ca, "stranger", "");
  for (bool http2 : {false, true}) {
    ClientOptions options = client_options(world);
    options.http2 = http2;
    auto nobody = co_await ask_as(&server, options);
    EXPECT_EQ(nobody, "peer=0 user=");
    options.cert_pem = client_pair().cert_pem;
    options.key_pem = client_pair().key_pem;
    auto known = co_await ask_as(&server, options);
    EXPECT_EQ(known, "peer=2 user=");
    options.cert_pem = stranger.cert_pem;
    options.key_pem = stranger.key_pem;
    auto unknown = co_await ask_as(&server, options);
    EXPECT_EQ(unknown, "peer=0 bad peer user=");
    // The other direction: a server that the client does not trust, or that has another name.
    options.ca_pem = other_ca.cert_pem;
    auto distrust = co_await ask_as(&server, options);
    EXPECT_NE(distrust.find("certificate verify failed"), std::string::npos) << distrust;
    options.insecure_skip_verify = true;
    auto trusting = co_await ask_as(&server, options);
    EXPECT_EQ(trusting, "peer=0 bad peer user=");
    ClientOptions misnamed = client_options(world);
    misnamed.server_name = "elsewhere";
    auto wrong_name = co_await ask_as(&server, misnamed);
    EXPECT_NE(wrong_name.find("certificate verify failed"), std::string::npos) << wrong_name;
    misnamed.server_name = "localhost";
    auto right_name = co_await ask_as(&server, misnamed);
    EXPECT_EQ(right_name, "peer=0 user=");
  }
  co_await server.stop();
}
// Whose certificate the authorities of front proxies have signed is told apart from clients, and is none.
rt::Task<void> front_proxies(bool clients_known) {
  const World world{"front_proxies", true, true, true};
  const KeyPair proxies = testing::make_ca("proxies");
  ServerOptions settings = server_options(world);
  const std::string file = scratch(world) + "/front-proxy-ca.crt";
  EXPECT_TRUE(rt::Executor::current().runtime().disk().write(file, proxies.cert_pem));
  settings.tls->front_proxy_ca_file = file;
  if (!clients_known) settings.tls->client_ca_file.clear();
  TestServer server(std::move(settings));
  co_await server.start();
  const KeyPair proxy = testing::issue(proxies, "proxy", ""), stranger = testing::issue(testing::make_ca("other"), "proxy", "");
  const std::pair<KeyPair, std::string> cases[] = {{client_pair(), clients_known ? "peer=2 user=" : "peer=0 bad peer user="},
                                                   {proxy, "peer=0 bad peer proxy user="},
                                                   {stranger, "peer=0 bad peer user="}};
  for (const auto& [pair, want] : cases) {
    ClientOptions options = client_options(world);
    options.cert_pem = pair.cert_pem;
    options.key_pem = pair.key_pem;
    auto seen = co_await ask_as(&server, options);
    EXPECT_EQ(seen, want);
  }
  co_await server.stop();
}
TEST(Identity, FrontProxies) {
  rt::testing::run_sim(front_proxies(true));
  rt::testing::run_sim(front_proxies(false));
}

TEST(Identity, ClientAndServerCertificates) { rt::testing::run_sim(identities()); }

rt::Task<void> reload(bool simulated) {
  const World world{simulated ? "reload_sim" : "reload", true, true, simulated};
  TestServer server(server_options(world));
  co_await server.start();
  const KeyPair new_ca = testing::make_ca("new");
  const KeyPair new_pair = testing::issue(new_ca, "server", "IP:127.0.0.1");
  auto& disk = rt::Executor::current().runtime().disk();
  EXPECT_TRUE(disk.replace(scratch(world) + "/server.crt", new_pair.cert_pem));
  EXPECT_TRUE(disk.replace(scratch(world) + "/server.key", new_pair.key_pem));
  ClientOptions options = client_options(world);
  options.ca_pem = new_ca.cert_pem;
  std::string answer;
  for (int i = 0; i < 500 && !answer.starts_with("peer="); ++i) {
    answer = co_await ask_as(&server, options);
    (void)co_await rt::sleep_for(rt::Context::background(), std::chrono::milliseconds(5));
  }
  EXPECT_EQ(answer, "peer=0 user=");
  co_await server.stop();
}
TEST(Identity, ChangedFilesAreUsed) {
  rt::testing::run_sim(reload(true));
  rt::testing::run_task(reload(false));
}

rt::Task<void> bad_files() {
  const World world{"badfiles", true, true, true};
  ServerTls tls = testing::write_server_tls(scratch(world), ca(), server_pair());
  auto& disk = rt::Executor::current().runtime().disk();
  EXPECT_TRUE(disk.write(scratch(world) + "/other.key", client_pair().key_pem));
  EXPECT_TRUE(disk.write(scratch(world) + "/garbage", "garbage"));
  struct Case {
    std::string cert, key, want;
  };
  const std::string d = scratch(world);
  const std::vector<Case> table{{d + "/none.crt", tls.key_file, "none.crt"},
                                {d + "/garbage", tls.key_file, "garbage"},
                                {tls.cert_file, d + "/garbage", "garbage"},
                                {tls.cert_file, d + "/other.key", "does not belong"}};
  for (const auto& one_case : table) {
    testing::Routes routes;
    ServerOptions options;
    options.listen.address = "127.0.0.1";
    options.tls = tls;
    options.tls->cert_file = one_case.cert;
    options.tls->key_file = one_case.key;
    auto server = make_server(rt::Executor::current().runtime(), routes, options);
    auto started = co_await server->start();
    EXPECT_FALSE(started);
    EXPECT_TRUE(!started && started.error().message.find(one_case.want) != std::string::npos) << one_case.want;
    co_await server->drain(rt::Duration(0));
  }
}
TEST(Identity, UnusableFilesAreNamed) { rt::testing::run_sim(bad_files()); }

rt::Task<void> port_in_use() {
  TestServer first(ServerOptions{});
  co_await first.start();
  testing::Routes routes;
  ServerOptions options;
  options.listen = first.endpoint();
  auto second = make_server(rt::Executor::current().runtime(), routes, options);
  auto started = co_await second->start();
  EXPECT_FALSE(started);
  co_await second->drain(rt::Duration(0));
  co_await first.stop();
}
TEST(Server, PortInUseIsAnError) {
  rt::testing::run_task([] { return port_in_use(); }, {.threads = 2});
}

// ---- in process ----

rt::Task<void> in_process() {
  testing::Routes routes;
  auto transport = make_in_process_transport(rt::Executor::current().runtime(), routes, "system:someone");
  auto hello = co_await fetch(*transport, get("/hello?x"));
  EXPECT_EQ(hello, "200 GET /hello?x host=localhost v=2 peer=0 user=system:someone");
  auto absolute = co_await fetch(*transport, get("https://api:6443/hello"));
  EXPECT_EQ(absolute, "200 GET /hello? host=api:6443 v=2 peer=0 user=system:someone");
  auto echo = co_await fetch(*transport, post("/echo", "text"));
  EXPECT_EQ(echo, "200 text");
  auto stream = co_await fetch(*transport, get("/stream"));
  EXPECT_EQ(stream, "200 one two three");
  auto silent = co_await fetch(*transport, get("/silent"));
  EXPECT_EQ(silent, "500 ");
  auto hang = co_await transport->send(rt::Context::background().with_timeout(std::chrono::milliseconds(50)), get("/hang"));
  EXPECT_FALSE(hang);
  auto endless = co_await transport->send(rt::Context::background(), get("/endless"));
  EXPECT_TRUE(endless);
  if (endless) {
    (void)co_await routes.broken_off.wait(rt::Context::background());
    auto rest = co_await read_all(rt::Context::background(), *endless->body, 256 << 20);
    EXPECT_FALSE(rest) << "an answer that was broken off looks whole";
  }
  co_await transport->close();
  EXPECT_EQ(routes.cancelled, 1);
}
TEST(InProcess, Exchange) {
  rt::testing::run_task(in_process());
  rt::testing::run_sim(in_process());
}

}  // namespace
}  // namespace pintle::net

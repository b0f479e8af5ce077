// The shell: sockets, other servers, losses; in simulation.
#include "dns/responder.h"

#include <gtest/gtest.h>

#include "dns/listeners.h"
#include "dns/resolv_conf.h"
#include "dns/testing.h"
#include "rt/sim/simulation.h"
#include "rt/testing.h"

namespace pintle::dns {
namespace {

using namespace std::chrono_literals;

rt::Runtime& runtime() { return rt::Executor::current().runtime(); }
rt::Context in_time() { return rt::Context::background().with_timeout(30s); }
const Name root(1, '\0');

// A server whose every answer is the same lines; counts who asks.
struct FakeUpstream {
  std::string lines;
  bool truncate = false;
  int udp = 0;
  int tcp = 0;
};

std::string fake_reply(const FakeUpstream& fake, std::string_view packet, bool truncate) {
  const ParsedQuery parsed = parse_query(packet);
  return testing::reply_packet(to_text(parsed.query.name), parsed.query.type, parsed.query.id, rcode::NoError, truncate ? "" : fake.lines, truncate);
}
rt::Task<void> fake_udp(FakeUpstream* fake, rt::Datagram* socket, rt::Context ctx) {
  char buffer[2000];
  while (true) {
    auto got = co_await socket->receive_from(ctx, buffer);
    if (!got) co_return;
    ++fake->udp;
    // A forged reply comes first.
    std::string forged = fake_reply(*fake, {buffer, got->bytes}, false);
    forged[0] = static_cast<char>(forged[0] ^ 1);
    (void)co_await socket->send_to(ctx, forged, got->from);
    const std::string reply = fake_reply(*fake, {buffer, got->bytes}, fake->truncate);
    (void)co_await socket->send_to(ctx, reply, got->from);
  }
}
rt::Task<void> fake_tcp(FakeUpstream* fake, rt::Listener* listener, rt::Context ctx) {
  while (true) {
    auto stream = co_await listener->accept(ctx);
    if (!stream) co_return;
    auto packet = co_await read_framed(ctx, stream->get());
    if (!packet) continue;
    ++fake->tcp;
    std::string reply = fake_reply(*fake, *packet, false);
    (void)co_await write_framed(ctx, stream->get(), std::move(reply));
  }
}
rt::Task<void> serve_fake(FakeUpstream* fake, rt::Endpoint endpoint) {
  auto socket = runtime().network().bind_datagram(endpoint);
  auto listener = runtime().network().listen(endpoint);
  rt::TaskGroup tasks;
  tasks.spawn(fake_udp(fake, socket->get(), tasks.context()));
  tasks.spawn(fake_tcp(fake, listener->get(), tasks.context()));
  co_await tasks.join();
}

rt::Task<std::string> ask_udp(rt::Endpoint server, std::string name, uint16_t type, rt::Duration patience) {
  auto socket = runtime().network().bind_datagram({"0.0.0.0", 0}, {.peer = server});
  const std::string packet = testing::query_packet(name, type, 7, 1232);
  (void)co_await socket->get()->send_to(in_time(), packet, server);
  char buffer[4096];
  auto got = co_await socket->get()->receive_from(rt::Context::background().with_timeout(patience), buffer);
  co_return got ? testing::show({buffer, got->bytes}) : "silence";
}
rt::Task<std::string> ask_tcp(rt::Endpoint server, std::string name, uint16_t type) {
  auto stream = co_await runtime().network().connect(in_time(), server);
  if (!stream) co_return "refused";
  std::string packet = testing::query_packet(name, type);
  (void)co_await write_framed(in_time(), stream->get(), std::move(packet));
  auto reply = co_await read_framed(in_time(), stream->get());
  co_return reply ? testing::show(*reply) : "closed";
}

void fill(Zone& zone) {
  api::core_v1::Service service;
  service.metadata.name = "web";
  service.metadata.namespace_ = "shop";
  service.spec.cluster_ip = "10.96.0.20";
  zone.put_service(service);
  service.metadata.name = "outside";
  service.spec.cluster_ip.clear();
  service.spec.type = "ExternalName";
  service.spec.external_name = "www.example.com";
  zone.put_service(service);
}

constexpr const char* web = "web.shop.svc.cluster.local";
constexpr const char* outside = "outside.shop.svc.cluster.local";

struct Cluster {
  explicit Cluster(uint64_t seed) : sim({.seed = seed}) {}
  rt::Simulation sim;
  rt::Machine& dns = sim.add_machine({.name = "dns"});
  rt::Machine& first = sim.add_machine({.name = "first"});
  rt::Machine& second = sim.add_machine({.name = "second"});
  rt::Machine& client = sim.add_machine({.name = "client"});
  FakeUpstream upstream{.lines = "answer www.example.com 20 A 192.0.2.1"};
  FakeUpstream stub{.lines = "answer host.corp 20 A 198.51.100.1"};
  bool loop = false;
  std::vector<std::string> allow_from;
  Responder* responder = nullptr;

  rt::Endpoint server() { return {dns.address(), 53}; }
  rt::Task<void> serve() {
    // The task's own, which never ends: the simulation abandons it whole.
    Responder serving(dns, ZoneOptions{}, CacheLimits{}, nullptr);
    ClientRanges allowed(*parse_client_ranges(allow_from));
    Listeners listeners(dns, serving, allowed);
    responder = &serving;
    fill(serving.zone());
    serving.set_ready();
    auto opened = listeners.open(server());
    EXPECT_TRUE(opened.has_value());
    std::vector<rt::Endpoint> servers{{loop ? dns.address() : first.address(), 53}};
    responder->forwarder().set_servers(root, servers);
    std::vector<rt::Endpoint> corp{{second.address(), 53}};
    responder->forwarder().set_servers(*make_name("corp"), corp);
    rt::Event never;
    (void)co_await never.wait(rt::Context::background());
  }
  void start() {
    sim.start(dns, [this] { return serve(); });
    sim.start(first, [this] { return serve_fake(&upstream, {first.address(), 53}); });
    sim.start(second, [this] { return serve_fake(&stub, {second.address(), 53}); });
    ASSERT_TRUE(sim.run_for(1s));
  }
  std::string udp(std::string name, uint16_t type = type::A, rt::Duration patience = 20s) {
    std::string out;
    EXPECT_TRUE(sim.run(client, [&]() -> rt::Task<void> { out = co_await ask_udp(server(), name, type, patience); }));
    return out;
  }
  std::string tcp(std::string name, uint16_t type = type::A) {
    std::string out;
    EXPECT_TRUE(sim.run(client, [&]() -> rt::Task<void> { out = co_await ask_tcp(server(), name, type); }));
    return out;
  }
};

TEST(Responder, ClusterUpstreamAndStubDomain) {
  Cluster cluster(1);
  cluster.start();
  EXPECT_EQ(cluster.udp(web), "NOERROR aa; answer web.shop.svc.cluster.local. 30 A 10.96.0.20");
  EXPECT_EQ(cluster.tcp(web), "NOERROR aa; answer web.shop.svc.cluster.local. 30 A 10.96.0.20");
  EXPECT_EQ(cluster.udp("www.example.com"), "NOERROR; answer www.example.com. 20 A 192.0.2.1");
  EXPECT_EQ(cluster.tcp("www.example.com"), "NOERROR; answer www.example.com. 20 A 192.0.2.1");
  EXPECT_EQ(cluster.upstream.udp, 1);  // the second from the cache
  EXPECT_EQ(cluster.udp("host.corp"), "NOERROR; answer host.corp. 20 A 198.51.100.1");
  EXPECT_EQ(cluster.stub.udp, 1);
  EXPECT_EQ(cluster.udp(outside),
            "NOERROR aa; answer outside.shop.svc.cluster.local. 30 CNAME www.example.com.; answer www.example.com. 20 A 192.0.2.1");
  ASSERT_TRUE(cluster.sim.run_for(31s));
  EXPECT_EQ(cluster.udp("www.example.com"), "NOERROR; answer www.example.com. 20 A 192.0.2.1");
  EXPECT_EQ(cluster.upstream.udp, 2);
}

TEST(Responder, TruncatedRepliesAreAskedByTcp) {
  Cluster cluster(2);
  cluster.upstream.truncate = true;
  cluster.start();
  EXPECT_EQ(cluster.udp("www.example.com"), "NOERROR; answer www.example.com. 20 A 192.0.2.1");
  EXPECT_EQ(cluster.upstream.tcp, 1);
}

TEST(Responder, ManyAskOnce) {
  Cluster cluster(3);
  cluster.start();
  int answered = 0;
  const auto one = [&]() -> rt::Task<void> {
    const std::string out = co_await ask_udp(cluster.server(), "www.example.com", type::A, 20s);
    if (out.starts_with("NOERROR; answer")) ++answered;
  };
  ASSERT_TRUE(cluster.sim.run(cluster.client, [&]() -> rt::Task<void> {
    rt::TaskGroup group;
    for (int i = 0; i < 50; ++i) group.spawn(one());
    co_await group.join();
  }));
  EXPECT_EQ(answered, 50);
  EXPECT_EQ(cluster.upstream.udp, 1);
}

TEST(Responder, SilentAndDeadUpstreams) {
  Cluster cluster(4);
  cluster.start();
  cluster.sim.partition(cluster.dns, cluster.first);
  EXPECT_EQ(cluster.udp("www.example.com"), "SERVFAIL");
  EXPECT_EQ(cluster.udp(outside), "SERVFAIL aa; answer outside.shop.svc.cluster.local. 30 CNAME www.example.com.");
  EXPECT_EQ(cluster.udp(web), "NOERROR aa; answer web.shop.svc.cluster.local. 30 A 10.96.0.20");
  cluster.sim.heal(cluster.dns, cluster.first);
  EXPECT_EQ(cluster.udp("www.example.com"), "NOERROR; answer www.example.com. 20 A 192.0.2.1");
  cluster.sim.kill(cluster.second, rt::Death::Process);
  cluster.sim.restart(cluster.second);
  EXPECT_EQ(cluster.udp("host.corp", type::A, 4s), "SERVFAIL");  // refused: no wait
}

TEST(Responder, LossesCostTriesNotAnswers) {
  for (uint64_t seed = 1; seed <= 10; ++seed) {
    Cluster cluster(seed);
    cluster.upstream.lines = "";
    cluster.start();
    // Between the two servers only: the client's own tries are not what is tested.
    rt::LinkPlan lossy;
    lossy.losses = 200'000;
    lossy.doubles = 100'000;
    cluster.sim.network().set_link(cluster.dns, cluster.first, lossy);
    cluster.sim.network().set_link(cluster.first, cluster.dns, lossy);
    int answered = 0;
    for (int i = 0; i < 20; ++i)
      if (cluster.udp("host" + std::to_string(i) + ".example.com").starts_with("NOERROR")) ++answered;
    EXPECT_GE(answered, 15) << seed;  // 1 of 23 is lost three times over
  }
}

TEST(Responder, ALoopIsFoundAndEnded) {
  Cluster cluster(5);
  cluster.loop = true;
  cluster.start();
  // Without the probe the question meets itself and ends by its time.
  EXPECT_EQ(cluster.udp("www.example.com"), "SERVFAIL");
  ASSERT_TRUE(cluster.sim.run(cluster.client, []() -> rt::Task<void> { co_return; }));
  cluster.sim.start(cluster.dns, [&] { return cluster.responder->look_for_loop(rt::Context::background()); });
  ASSERT_TRUE(cluster.sim.run_for(1s));
  EXPECT_EQ(cluster.udp("www.example.com", type::A, 1s), "REFUSED");
  EXPECT_EQ(cluster.udp("host.corp"), "NOERROR; answer host.corp. 20 A 198.51.100.1");
}

// Any host that reached the node was answered, and had other servers asked for it.
TEST(Responder, StrangersAreRefused) {
  Cluster cluster(1);
  cluster.allow_from = {"192.0.2.0/24"};
  cluster.start();
  EXPECT_TRUE(cluster.udp(web).starts_with("REFUSED"));
  EXPECT_TRUE(cluster.udp("www.example.com").starts_with("REFUSED"));
  EXPECT_EQ(cluster.tcp(web), "closed");
  EXPECT_EQ(cluster.upstream.udp, 0);
  Cluster known(1);
  known.allow_from = {"192.0.2.0/24", known.client.address()};
  known.start();
  EXPECT_TRUE(known.udp(web).starts_with("NOERROR aa")) << known.udp(web);
  EXPECT_TRUE(known.tcp(web).starts_with("NOERROR aa"));
}

TEST(Responder, RefusalsAndNotReady) {
  rt::Simulation sim;
  Responder responder(sim.add_machine({.name = "x"}), ZoneOptions{}, CacheLimits{}, nullptr);
  const auto now = [&](std::string packet) {
    const auto reply = responder.answer_now(packet, Protocol::Udp);
    return reply ? testing::show(*reply) : "later";
  };
  EXPECT_EQ(now(testing::query_packet(web, type::A)), "SERVFAIL");
  EXPECT_EQ(now(testing::query_packet("example.com", type::A)), "REFUSED");  // nobody to ask
  responder.set_ready();
  EXPECT_TRUE(now(testing::query_packet(web, type::A)).starts_with("NXDOMAIN aa"));
  EXPECT_EQ(now(testing::query_packet(web, type::AXFR)), "REFUSED");
  std::string chaos = testing::query_packet("version.bind", type::TXT);
  chaos.back() = 3;
  EXPECT_EQ(now(chaos), "REFUSED");
  fill(responder.zone());
  EXPECT_EQ(now(testing::query_packet(outside, type::A)), "NOERROR aa; answer outside.shop.svc.cluster.local. 30 CNAME www.example.com.");
  EXPECT_EQ(now(""), "");
}

}  // namespace
}  // namespace pintle::dns

#include <gtest/gtest.h>

#include "rt/network.h"
#include "rt/sim/simulation.h"
#include "rt/sync.h"
#include "rt/test_backends.h"

namespace pintle::rt {
namespace {

using namespace std::chrono_literals;

Network& network() { return Executor::current().runtime().network(); }
Context in_time() { return Context::background().with_timeout(30s); }

std::unique_ptr<Datagram> bound(Endpoint endpoint, Endpoint peer = {}) {
  DatagramOptions options;
  options.peer = std::move(peer);
  auto socket = network().bind_datagram(std::move(endpoint), std::move(options));
  EXPECT_TRUE(socket.has_value()) << socket.error().message;
  return socket ? std::move(*socket) : nullptr;
}

Task<void> echo(Datagram* socket, Context ctx) {
  char buffer[2000];
  while (true) {
    auto got = co_await socket->receive_from(ctx, buffer);
    if (!got) co_return;
    (void)co_await socket->send_to(ctx, std::string_view(buffer, got->bytes), got->from);
  }
}

Task<void> ask(Datagram* socket, Endpoint server, std::string text) {
  auto sent = co_await socket->send_to(in_time(), text, server);
  EXPECT_TRUE(sent.has_value());
  char buffer[2000];
  auto got = co_await socket->receive_from(in_time(), buffer);
  EXPECT_TRUE(got.has_value());
  EXPECT_EQ(std::string_view(buffer, got->bytes), text);
  EXPECT_EQ(got->from, server);
}

Task<void> round_trips() {
  auto server = bound({"127.0.0.1", 0});
  EXPECT_NE(server->local().port, 0);
  TaskGroup group;
  group.spawn(echo(server.get(), group.context()));
  auto any = bound({"127.0.0.1", 0});
  auto connected = bound({"0.0.0.0", 0}, server->local());
  for (std::size_t size : {0u, 1u, 511u, 1400u}) {
    co_await ask(any.get(), server->local(), std::string(size, 'x'));
    co_await ask(connected.get(), server->local(), std::string(size, 'y'));
  }
  co_await group.close();
}
TEST(Datagram, RoundTrips) { on_each_backend(round_trips); }

Task<void> one_family_reaches_the_other() {
  auto server = bound({"", 0});
  TaskGroup group;
  group.spawn(echo(server.get(), group.context()));
  auto client = bound({"127.0.0.1", 0});
  const Endpoint mapped{"127.0.0.1", server->local().port};
  co_await ask(client.get(), mapped, "mapped");
  co_await group.close();
}
TEST(Datagram, EveryAddressOfBothFamilies) { on_each_backend(one_family_reaches_the_other); }

Task<void> short_buffers_and_refusals() {
  auto a = bound({"127.0.0.1", 0});
  auto b = bound({"127.0.0.1", 0});
  (void)co_await a->send_to(in_time(), "0123456789", b->local());
  char buffer[4];
  auto got = co_await b->receive_from(in_time(), buffer);
  EXPECT_EQ(got->bytes, 4u);
  const Endpoint gone = b->local();
  auto taken = network().bind_datagram(gone);
  EXPECT_EQ(taken.error().reason, Reason::ServiceUnavailable);
  b->close();
  auto closed = co_await b->receive_from(in_time(), buffer);
  EXPECT_EQ(closed.error().reason, Reason::Cancelled);
  auto connected = bound({"127.0.0.1", 0}, gone);
  (void)co_await connected->send_to(in_time(), "x", gone);
  auto refused = co_await connected->receive_from(in_time(), buffer);
  EXPECT_EQ(refused.error().reason, Reason::ServiceUnavailable);
  auto late = co_await a->receive_from(Context::background().with_timeout(2ms), buffer);
  EXPECT_EQ(late.error().reason, Reason::Timeout);
  auto numeric = network().bind_datagram({"localhost", 0});
  EXPECT_EQ(numeric.error().reason, Reason::Invalid);
}
TEST(Datagram, ShortBuffersAndRefusals) { on_each_backend(short_buffers_and_refusals); }

Task<void> serve(Endpoint endpoint) {
  auto socket = bound(endpoint);
  co_await echo(socket.get(), Context::background());
}
Task<void> count_answers(Endpoint server, int* answers) {
  auto socket = bound({"0.0.0.0", 0}, server);
  char buffer[100];
  for (int i = 0; i < 1000; ++i) {
    (void)co_await socket->send_to(in_time(), "x", server);
    auto got = co_await socket->receive_from(Context::background().with_timeout(10ms), buffer);
    if (got) ++*answers;
  }
}
TEST(Datagram, LossesAndBlocksInSimulation) {
  for (uint64_t seed = 1; seed <= test_seeds; ++seed) {
    Simulation sim({.seed = seed});
    Machine& server = sim.add_machine({.name = "server"});
    Machine& client = sim.add_machine({.name = "client"});
    sim.network().default_link().losses = 100'000;
    sim.start(server, [&] { return serve({server.address(), 53}); });
    int answers = 0;
    ASSERT_TRUE(sim.run(client, [&] { return count_answers({server.address(), 53}, &answers); }));
    EXPECT_GT(answers, 700);
    EXPECT_LT(answers, 900);  // 0.9 * 0.9 of them arrive
    sim.partition(client, server);
    answers = 0;
    ASSERT_TRUE(sim.run(client, [&] { return count_answers({server.address(), 53}, &answers); }));
    EXPECT_EQ(answers, 0);
  }
}

}  // namespace
}  // namespace pintle::rt

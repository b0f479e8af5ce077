#include "rt/sim/simulation.h"

#include <gtest/gtest.h>

#include <csignal>
#include <set>

#include "rt/sync.h"
#include "rt/testing.h"

namespace pintle::rt {
namespace {

using namespace std::chrono_literals;

Runtime& runtime() { return Executor::current().runtime(); }
Context background() { return Context::background(); }

// --- One seed, one run -------------------------------------------------------------------------------------------

Task<void> serve_one(std::unique_ptr<Stream> stream) {
  char buffer[512];
  while (true) {
    auto got = co_await stream->read(background(), buffer);
    if (!got || *got == 0) co_return;
    auto sent = co_await stream->write(background(), std::string_view(buffer, *got));
    if (!sent) co_return;
  }
}
Task<void> serve(Endpoint endpoint) {
  auto listener = runtime().network().listen(endpoint);
  if (!listener) co_return;
  TaskGroup connections;
  while (true) {
    auto stream = co_await (*listener)->accept(background());
    if (!stream) co_return;
    connections.spawn(serve_one(std::move(*stream)));
  }
}

// Sends `size` bytes and reads them back; the bytes that came back.
Task<Result<std::size_t>> echo(Context ctx, Endpoint server, std::size_t size) {
  CO_TRY_ASSIGN(auto stream, co_await runtime().network().connect(ctx, server));
  const std::string text(size, 'x');
  CO_TRY(co_await stream->write(ctx, text));
  stream->shutdown_write();
  std::size_t back = 0;
  char buffer[700];
  while (true) {
    CO_TRY_ASSIGN(const std::size_t got, co_await stream->read(ctx, buffer));
    if (got == 0) co_return back;
    back += got;
  }
}

Task<void> busy(Simulation* sim, Endpoint server, int number, std::string* order) {
  Random& random = runtime().random();
  for (int i = 0; i < 5; ++i) {
    (void)co_await sleep_for(background(), Duration(static_cast<int64_t>(random.below(5'000'000))));
    auto back = co_await echo(background().with_timeout(1min), server, random.below(3000));
    sim->note("client " + std::to_string(number) + (back ? " ok" : " failed"));
    Disk& disk = runtime().disk();
    std::function<void()> work = [&disk, number] { (void)disk.append("/tmp/log", std::to_string(number)); };
    co_await runtime().run_blocking(std::move(work));
  }
  *order += std::to_string(number) + ",";
}

Task<void> many_clients(Simulation* sim, Endpoint server, std::string* order) {
  TaskGroup group;
  for (std::size_t i = 0; i < 300; ++i) group.spawn_on(runtime().executor(i % 2), busy(sim, server, static_cast<int>(i), order));
  co_await group.join();
}

struct Record {
  std::string log;
  std::string order;
  uint64_t hash;
};
Record run_cluster(uint64_t seed) {
  Simulation sim({.seed = seed});
  Machine& server = sim.add_machine({.name = "server"});
  Machine& client = sim.add_machine({.name = "client", .executors = 2});
  sim.network().default_link().resets = 2000;
  client.disk_plan().write_errors = 5000;
  client.disk_plan().latency_max = 3ms;
  const Endpoint endpoint{server.address(), 80};
  sim.start(server, [&] { return serve(endpoint); });
  Record run;
  const auto ended = sim.run(client, [&] { return many_clients(&sim, endpoint, &run.order); });
  EXPECT_TRUE(ended.has_value()) << ended.error().message;
  run.log = sim.log().text();
  run.hash = sim.log().hash();
  return run;
}

TEST(Simulation, OneSeedIsOneRun) {
  const Record first = run_cluster(7);
  const Record again = run_cluster(7);
  const Record other = run_cluster(8);
  EXPECT_GT(first.log.size(), 100'000u);
  EXPECT_NE(first.log.find(" ok"), std::string::npos);
  EXPECT_NE(first.log.find(" failed"), std::string::npos);
  EXPECT_NE(first.log.find("disk error"), std::string::npos);
  EXPECT_TRUE(first.log == again.log);
  EXPECT_EQ(first.hash, again.hash);
  EXPECT_EQ(first.order, again.order);
  EXPECT_NE(first.hash, other.hash);
  EXPECT_NE(first.order, other.order);
}

// --- Time and order -----------------------------------------------------------------------------------------------

Task<void> sleep_a_year() { (void)co_await sleep_for(background(), 8760h); }
TEST(Simulation, TimeJumps) {
  Simulation sim;
  const TimePoint before = sim.now();
  ASSERT_TRUE(sim.run(sim.add_machine({}), sleep_a_year));
  EXPECT_GE(sim.now() - before, 8760h);
  EXPECT_LT(sim.now() - before, 8761h);
}

Task<void> append(std::string* order, char name) {
  *order += name;
  co_return;
}
Task<void> five(std::string* order) {
  TaskGroup group;
  for (const char name : {'a', 'b', 'c', 'd', 'e'}) group.spawn(append(order, name));
  co_await group.join();
}
TEST(Simulation, SeedsOrderReadyTasksDifferently) {
  std::set<std::string> orders;
  for (uint64_t seed = 1; seed <= 200; ++seed) {
    std::string order;
    testing::run_sim([&] { return five(&order); }, seed);
    EXPECT_EQ(order.size(), 5u);
    orders.insert(order);
  }
  EXPECT_GT(orders.size(), 60u);  // of 120
}

Task<void> poll(bool* flag) {
  while (!*flag) co_await yield();
}
Task<void> set_later(bool* flag) {
  (void)co_await sleep_for(background(), 1ms);
  *flag = true;
}
Task<void> poll_and_set(bool* flag) {
  TaskGroup group;
  group.spawn(poll(flag));
  group.spawn(set_later(flag));
  co_await group.join();
}
TEST(Simulation, APollingTaskDoesNotStopTheClock) {
  bool flag = false;
  testing::run_sim([&] { return poll_and_set(&flag); });
  EXPECT_TRUE(flag);
}

Task<void> wait_for(Event* event) { (void)co_await event->wait(background()); }
TEST(Simulation, TellsOfADeadlock) {
  Event never;
  Simulation sim({.seed = 3});
  const auto ended = sim.run(sim.add_machine({}), [&] { return wait_for(&never); });
  ASSERT_FALSE(ended.has_value());
  EXPECT_NE(ended.error().message.find("deadlock"), std::string::npos);
  EXPECT_NE(ended.error().message.find("seed 3"), std::string::npos);
}

Task<void> poll_forever() {
  while (true) co_await yield();
}
TEST(Simulation, TellsOfAnEndlessRun) {
  Simulation sim({.steps_max = 1000});
  const auto ended = sim.run(sim.add_machine({}), poll_forever);
  ASSERT_FALSE(ended.has_value());
  EXPECT_NE(ended.error().message.find("no end"), std::string::npos);
}

TEST(EventLog, KeepsTheTailAndHashesAll) {
  EventLog log(1000);
  EventLog other(100'000);
  for (int i = 0; i < 1000; ++i) {
    log.write(TimePoint(Duration(i)), "line");
    other.write(TimePoint(Duration(i)), "line");
  }
  EXPECT_LE(log.text().size(), 1000u);
  EXPECT_EQ(log.hash(), other.hash());
  EXPECT_TRUE(other.text().ends_with(log.text()));
  EXPECT_EQ(log.tail(2), "998 line\n999 line\n");
  EXPECT_EQ(EventLog(10).tail(5), "");
}

// --- Machines and faults ------------------------------------------------------------------------------------------

struct Cluster {
  explicit Cluster(uint64_t seed = 1) : sim({.seed = seed}) { serve_again(); }
  void serve_again() {
    sim.start(server, [this] { return serve(endpoint); });
  }
  // The outcome of one echo with a time limit of `limit`.
  Result<std::size_t> ask(Duration limit = 1h) {
    Result<std::size_t> out;
    const auto ended = sim.run(client, [&] { return ask_task(&out, limit); });
    EXPECT_TRUE(ended.has_value()) << ended.error().message;
    return out;
  }
  Task<void> ask_task(Result<std::size_t>* out, Duration limit) { *out = co_await echo(background().with_timeout(limit), endpoint, 1000); }
  Simulation sim;
  Machine& server = sim.add_machine({.name = "server"});
  Machine& client = sim.add_machine({.name = "client"});
  const Endpoint endpoint{server.address(), 80};
};

std::string message(const Result<std::size_t>& result) { return result ? "ok" : result.error().message; }

TEST(Machine, KillAndRestart) {
  for (const Death death : {Death::Process, Death::Power}) {
    Cluster cluster;
    EXPECT_EQ(cluster.ask().value_or(0), 1000u);
    cluster.sim.kill(cluster.server, death);
    EXPECT_NE(message(cluster.ask()).find("Connection timed out"), std::string::npos);
    cluster.sim.restart(cluster.server);
    EXPECT_NE(message(cluster.ask()).find("Connection refused"), std::string::npos);
    cluster.serve_again();
    EXPECT_EQ(cluster.ask().value_or(0), 1000u);
  }
}

struct Watched {
  Event connected;
  Result<std::size_t> read;
  bool ended = false;
};
Task<void> connect_and_read(Endpoint server, Watched* watched, Duration limit) {
  auto stream = co_await runtime().network().connect(background(), server);
  watched->connected.set();
  char buffer[10];
  watched->read = co_await (*stream)->read(background().with_timeout(limit), buffer);
  watched->ended = true;
}
TEST(Machine, PeersOfADeadProcessAreToldThoseOfADeadMachineAreNot) {
  for (const Death death : {Death::Process, Death::Power}) {
    Cluster cluster;
    Watched watched;
    cluster.sim.start(cluster.client, [&] { return connect_and_read(cluster.endpoint, &watched, 1h); });
    ASSERT_TRUE(cluster.sim.run_for(1s));
    ASSERT_TRUE(watched.connected.is_set());
    cluster.sim.kill(cluster.server, death);
    ASSERT_TRUE(cluster.sim.run_for(10min));
    EXPECT_EQ(watched.ended, death == Death::Process);
    ASSERT_TRUE(cluster.sim.run_for(1h));
    EXPECT_TRUE(watched.ended);
    EXPECT_EQ(watched.read.error().reason, death == Death::Process ? Reason::ServiceUnavailable : Reason::Timeout);
  }
}

Task<void> wait_term(int* got) {
  std::vector<int> signals{SIGTERM, SIGINT};
  auto number = co_await wait_signal(background(), std::move(signals));
  *got = number.value_or(0);
}
TEST(Machine, Signals) {
  Simulation sim;
  Machine& machine = sim.add_machine({});
  int got = 0;
  sim.start(machine, [&] { return wait_term(&got); });
  ASSERT_TRUE(sim.run_for(1s));
  machine.signal(SIGINT);
  ASSERT_TRUE(sim.run_for(1s));
  EXPECT_EQ(got, SIGINT);
  EXPECT_TRUE(machine.up());
  machine.signal(SIGTERM);
  EXPECT_FALSE(machine.up());
}

TEST(SimNetwork, PartitionHoldsAndHeals) {
  Cluster cluster;
  cluster.sim.partition(cluster.server, cluster.client);
  EXPECT_EQ(cluster.ask(10s).error().reason, Reason::Timeout);
  cluster.sim.heal(cluster.server, cluster.client);
  EXPECT_EQ(cluster.ask().value_or(0), 1000u);
}

Task<void> heal_after(Simulation* sim, Machine* a, Machine* b, Duration after) {
  (void)co_await sleep_for(background(), after);
  sim->heal(*a, *b);
}
TEST(SimNetwork, AShortPartitionIsOnlySlow) {
  Cluster cluster;
  cluster.sim.partition(cluster.server, cluster.client);
  cluster.sim.start(cluster.sim.add_machine({}), [&] { return heal_after(&cluster.sim, &cluster.server, &cluster.client, 5s); });
  const TimePoint before = cluster.sim.now();
  EXPECT_EQ(cluster.ask().value_or(0), 1000u);
  EXPECT_GE(cluster.sim.now() - before, 5s);
}

TEST(SimNetwork, HalfOpen) {
  // The client hears nothing; what it sends arrives. Its own end gives up on the connect; then on data under way.
  Cluster cluster;
  cluster.sim.network().block(cluster.server, cluster.client);
  EXPECT_NE(message(cluster.ask()).find("Connection timed out"), std::string::npos);
  cluster.sim.network().unblock(cluster.server, cluster.client);
  Watched watched;
  cluster.sim.start(cluster.client, [&] { return connect_and_read(cluster.endpoint, &watched, 1h); });
  ASSERT_TRUE(cluster.sim.run_for(1s));
  cluster.sim.network().reset_connections(cluster.server, cluster.client);
  ASSERT_TRUE(cluster.sim.run_for(1s));
  EXPECT_TRUE(watched.ended);
  EXPECT_EQ(watched.read.error().reason, Reason::ServiceUnavailable);
}

TEST(SimNetwork, BandwidthTakesTime) {
  Cluster cluster;
  LinkPlan slow;
  slow.bytes_per_second = 100;
  cluster.sim.network().set_link(cluster.client, cluster.server, slow);
  const TimePoint before = cluster.sim.now();
  EXPECT_EQ(cluster.ask().value_or(0), 1000u);
  EXPECT_GE(cluster.sim.now() - before, 10s);
}

Task<void> resolve(std::string host, std::vector<std::string>* out) {
  auto got = co_await runtime().network().resolve(background(), host);
  *out = got.value_or(std::vector<std::string>{});
}
TEST(SimNetwork, MachinesAreFoundByName) {
  Cluster cluster;
  cluster.sim.network().add_name("api.example.org", {"10.1.1.1", "10.1.1.2"});
  std::vector<std::string> out;
  ASSERT_TRUE(cluster.sim.run(cluster.client, [&] { return resolve("server", &out); }));
  EXPECT_EQ(out, std::vector<std::string>{cluster.server.address()});
  ASSERT_TRUE(cluster.sim.run(cluster.client, [&] { return resolve("api.example.org", &out); }));
  EXPECT_EQ(out.size(), 2u);
  ASSERT_TRUE(cluster.sim.run(cluster.client, [&] { return resolve("nowhere", &out); }));
  EXPECT_TRUE(out.empty());
}

}  // namespace
}  // namespace pintle::rt

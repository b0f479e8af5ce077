// hollow_nodes --kubeconfig=FILE [--nodes=N] [--first=N] [--zone=ZONE] ...: nodes that run nothing (test/simulation/hollow_node.h), against a
// real API server: each registers itself, renews its Lease, watches its own pods and says that they run. Until SIGINT or SIGTERM.
// Each hundred of them share connections, as a hundred kubelets behind one load balancer would.
#include <csignal>
#include <cstdio>

#include "client/kubeconfig.h"
#include "component/command.h"
#include "hollow_node.h"

namespace pintle {
namespace {

using component::FlagType;

constexpr component::FlagSpec flag_specs[] = {
    {.name = "kubeconfig", .type = FlagType::String, .help = "Whom to reach, and as whom: one that may do what all nodes may.", .effective = true},
    {.name = "nodes", .type = FlagType::Int, .default_value = "100", .help = "How many.", .effective = true},
    {.name = "first", .type = FlagType::Int, .default_value = "0", .help = "Number of the first: its name is hollow-NUMBER.", .effective = true},
    {.name = "zone", .type = FlagType::String, .help = "Their zone.", .effective = true},
    {.name = "cpus", .type = FlagType::Int, .default_value = "32", .help = "CPUs of each.", .effective = true},
    {.name = "memory", .type = FlagType::Quantity, .default_value = "256Gi", .help = "Memory of each.", .effective = true},
    {.name = "lease-period", .type = FlagType::Duration, .default_value = "10s", .help = "Between two renewals of a Lease.", .effective = true},
    {.name = "start-pause", .type = FlagType::Duration, .default_value = "5ms", .help = "Between the starts of two nodes.", .effective = true},
    {.name = "v", .type = FlagType::Int, .default_value = "0", .help = "Level of the log.", .short_name = 'v', .effective = true},
};

constexpr int64_t nodes_of_a_client = 100;

rt::Task<int> play(rt::Runtime& runtime, client::ConnectionConfig connection, std::vector<testing::HollowNodeOptions> nodes, rt::Duration pause) {
  std::vector<std::unique_ptr<client::Client>> clients;
  std::vector<std::unique_ptr<testing::HollowNode>> hollow;
  rt::TaskGroup tasks;
  for (testing::HollowNodeOptions& options : nodes) {
    if (hollow.size() % nodes_of_a_client == 0) {
      auto made = client::connect(runtime, connection);
      if (!made) {
        std::fprintf(stderr, "hollow_nodes: %s\n", made.error().message.c_str());
        co_return 1;
      }
      clients.push_back(std::move(*made));
    }
    hollow.push_back(std::make_unique<testing::HollowNode>(runtime, *clients.back(), std::move(options)));
    tasks.spawn(hollow.back()->run(tasks.context()));
    (void)co_await rt::sleep_for(rt::Context::background(), pause);
  }
  std::printf("hollow_nodes: %zu started\n", hollow.size());
  std::fflush(stdout);
  std::vector<int> signals = {SIGINT, SIGTERM};
  (void)co_await runtime.wait_signal(rt::Context::background(), std::move(signals));
  co_await tasks.close();
  for (auto& one : clients) co_await one->close();
  co_return 0;
}

Result<component::CommandWork> prepare(rt::Runtime& runtime, const component::FlagSet& flags) {
  TRY_ASSIGN(client::ConnectionConfig connection, client::load_kubeconfig(runtime.disk(), flags.get_string("kubeconfig")));
  std::vector<testing::HollowNodeOptions> nodes;
  for (int64_t i = flags.get_int("first"); i < flags.get_int("first") + flags.get_int("nodes"); ++i) {
    testing::HollowNodeOptions one;
    one.name = "hollow-" + std::to_string(i);
    one.address = "10." + std::to_string(100 + i / 62500) + "." + std::to_string(i / 250 % 250) + "." + std::to_string(1 + i % 250);
    one.zone = flags.get_string("zone");
    one.cpus = static_cast<int>(flags.get_int("cpus"));
    one.memory = flags.get_string("memory");
    one.lease_period = flags.get_duration("lease-period");
    nodes.push_back(std::move(one));
  }
  component::CommandWork work;
  work.run = [&runtime, connection, nodes, pause = flags.get_duration("start-pause")] { return play(runtime, connection, nodes, pause); };
  return work;
}

}  // namespace
}  // namespace pintle

int main(int argc, char** argv) {
  const pintle::component::Command command{.name = "hollow_nodes", .flags = pintle::flag_specs, .threads = 1, .prepare = pintle::prepare};
  return pintle::component::run_command(command, std::span<const char* const>(argv + 1, static_cast<std::size_t>(argc - 1)));
}

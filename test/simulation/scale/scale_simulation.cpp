// scale_simulation [NODES [PODS [RATE [MIB]]]]: an API server, the controllers and the scheduler of one process, with NODES hollow nodes in three
// zones and PODS pods of Deployments with Services, made RATE a second, in simulated time: a second of it passes when nobody has anything left to do
// in it. What is told beside each step is real: the wall clock, the CPU and the memory of this machine. A zone is lost and comes back. It ends with
// one line when it holds more than MIB (otherwise: all that is free at its start but a tenth), so that the machine does not swap.
// SCALE_HEAP_PROFILE=FILE: what holds the heap after the minute of quiet, by the stacks that allocated it.
//
// The store is in memory and the transport is in process, without TLS; pods tolerate a lost node for as long as they like, so that a zone that comes
// back finds them. What nodes share: hollow_fleet.h.
#include <sys/resource.h>

#include <cstdio>
#include <cstdlib>
#include <fstream>

#include "api/gen/apps_v1.h"
#include "api/testing/from_yaml.h"
#include "apiserver/server.h"
#include "client/kubeconfig.h"
#include "component/heap_profile.h"
#include "controller/manager.h"
#include "hollow_fleet.h"
#include "rt/sim/simulation.h"
#include "scheduler/scheduler.h"

namespace pintle::testing {
namespace {

namespace core = api::core_v1;
namespace apps = api::apps_v1;

const rt::Context background = rt::Context::background();
constexpr int namespaces = 50, replicas = 15, services_max = 1000;
constexpr rt::Duration step_max = std::chrono::hours(2);

struct Plan {
  int nodes = 1000;
  int pods = 10000;
  int rate = 2000;
  int memory_mib = 0;
};

double cpu_s() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return static_cast<double>(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
         static_cast<double>(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
}

int64_t resident_mib() {
  int64_t size = 0, resident = 0;
  std::ifstream("/proc/self/statm") >> size >> resident;
  return resident * 4096 >> 20;
}

int free_mib() {
  std::ifstream in("/proc/meminfo");
  std::string name, unit;
  int64_t kib = 0;
  while (in >> name >> kib) {
    if (name == "MemAvailable:") return static_cast<int>(kib >> 10);
    std::getline(in, unit);
  }
  return 0;
}

double wall_s() {
  timespec now{};
  clock_gettime(CLOCK_MONOTONIC, &now);
  return static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) / 1e9;
}

class Scale {
 public:
  Scale(rt::Machine& machine, Plan plan) : machine_(machine), plan_(plan) {}
  rt::Task<void> run();

 private:
  rt::Task<void> start();
  rt::Task<void> make_workloads();
  enum class Goal { Made, Bound, Ready, Quiet, ZoneLost, PodsLost, ZoneBack };
  // Until it is reached; tells where it stands each five real seconds, and how it ended.
  rt::Task<void> step(std::string name, Goal goal);
  rt::Task<bool> reached(Goal goal);
  rt::Task<bool> all_ready();
  rt::Task<bool> zone_says(std::string status);
  void tell(const std::string& what, double wall_began, double cpu_began, rt::TimePoint began);
  // Ends the process when it holds too much.
  rt::Task<void> guard_memory();
  std::unique_ptr<client::Client> client_for(const char* user) {
    client::ClientConfig config;
    config.request_timeout = std::chrono::minutes(10);
    return client::connect_in_process(machine_, server_->handler(), user, std::move(config));
  }
  int deployments() const { return plan_.pods / replicas; }
  int64_t pods() const { return static_cast<int64_t>(deployments()) * replicas; }

  rt::Machine& machine_;
  const Plan plan_;
  std::unique_ptr<apiserver::ApiServer> server_;
  std::unique_ptr<client::Client> user_, manager_client_, scheduler_client_, nodes_client_;
  std::unique_ptr<controller::ControllerManager> manager_;
  component::metrics::Registry metrics_;
  std::unique_ptr<scheduler::Scheduler> scheduler_;
  std::unique_ptr<HollowFleet> fleet_;
  rt::TimePoint quiet_until_{};
};

std::string namespace_of(int i) { return "load-" + std::to_string(i % namespaces); }

void must(const Result<Unit>& done, const char* what) {
  if (done) return;
  std::fprintf(stderr, "scale: %s: %s\n", what, done.error().message.c_str());
  std::exit(1);
}

template <class T>
rt::Task<void> make(client::Client& client, T object) {
  auto made = co_await client.create<T>(background, std::move(object));
  if (made) co_return;
  std::fprintf(stderr, "scale: %s\n", made.error().message.c_str());
  std::exit(1);
}

rt::Task<void> Scale::start() {
  apiserver::ApiServerSetup setup;
  setup.options.data_dir = "";
  setup.options.event_ttl = std::chrono::seconds(10);
  setup.options.service_cluster_ip_range = "10.96.0.0/12";
  setup.listen = false;
  setup.secured = false;
  server_ = apiserver::make_api_server(machine_, std::move(setup));
  auto started = co_await server_->start();
  must(started, "the API server");
  user_ = client_for("system:admin");
  manager_client_ = client_for("system:kube-controller-manager");
  scheduler_client_ = client_for("system:kube-scheduler");
  nodes_client_ = client_for("system:nodes");
  controller::ManagerSetup manager{machine_, *manager_client_, nullptr, {}, {"*"}, std::nullopt};
  manager_ = controller::make_controller_manager(std::move(manager));
  must(manager_->start(), "the controllers");
  scheduler::SchedulerSetup scheduler{.runtime = machine_, .client = *scheduler_client_, .metrics = metrics_};
  scheduler_ = scheduler::make_scheduler(std::move(scheduler));
  must(scheduler_->start(), "the scheduler");
  HollowFleetOptions options;
  options.nodes = plan_.nodes;
  fleet_ = std::make_unique<HollowFleet>(machine_, *nodes_client_, options);
}

void Scale::tell(const std::string& what, double wall_began, double cpu_began, rt::TimePoint began) {
  const double simulated_s = std::chrono::duration<double>(machine_.clock().now() - began).count();
  std::printf("scale: %-44s %9.1f s simulated %8.1f s real %8.1f s CPU  resident %6lld MiB  pods %lld, bound %lld, ready %lld\n", what.c_str(),
              simulated_s, wall_s() - wall_began, cpu_s() - cpu_began, static_cast<long long>(resident_mib()), static_cast<long long>(fleet_->seen()),
              static_cast<long long>(fleet_->bound()), static_cast<long long>(fleet_->ready()));
  std::fflush(stdout);
}

rt::Task<void> Scale::guard_memory() {
  while (true) {
    (void)co_await rt::sleep_for(background, std::chrono::milliseconds(250));
    if (const int64_t mib = resident_mib(); mib > plan_.memory_mib) {
      std::fprintf(stderr, "scale: %lld MiB are resident, and it may have %d: ended with %lld pods, %lld ready\n", static_cast<long long>(mib),
                   plan_.memory_mib, static_cast<long long>(fleet_->seen()), static_cast<long long>(fleet_->ready()));
      std::_Exit(1);
    }
  }
}

rt::Task<bool> Scale::reached(Goal goal) {
  switch (goal) {
    case Goal::Made: co_return fleet_->seen() >= pods();
    case Goal::Bound: co_return fleet_->bound() >= pods();
    case Goal::Ready: co_return co_await all_ready();
    case Goal::Quiet: co_return machine_.clock().now() >= quiet_until_;
    case Goal::ZoneLost: co_return co_await zone_says("Unknown");
    case Goal::PodsLost: co_return fleet_->ready() <= pods() - pods() / 3 + pods() / 50;
    case Goal::ZoneBack: co_return co_await zone_says("True");
  }
  co_return true;
}

rt::Task<void> Scale::step(std::string name, Goal goal) {
  const double wall = wall_s(), cpu = cpu_s();
  const rt::TimePoint began = machine_.clock().now();
  double told = wall;
  while (true) {
    const bool ended = co_await reached(goal);
    if (ended) break;
    (void)co_await rt::sleep_for(background, std::chrono::milliseconds(500));
    if (wall_s() - told > 5) {
      told = wall_s();
      tell("  " + name, wall, cpu, began);
    }
    if (machine_.clock().now() - began > step_max) {
      std::fprintf(stderr, "scale: %s did not end\n", name.c_str());
      std::exit(1);
    }
  }
  tell(name, wall, cpu, began);
}

// As fast as `rate` says, however long that takes really.
rt::Task<void> Scale::make_workloads() {
  for (int i = 0; i < services_max && i < deployments(); ++i)
    co_await make(*user_, api::testing::from_yaml<core::Service>("{metadata: {name: d-" + std::to_string(i) + ", namespace: " + namespace_of(i) +
                                                                 "}, spec: {selector: {app: d-" + std::to_string(i) + "}, ports: [{port: 80}]}}"));
  const rt::Duration pause = std::chrono::duration_cast<rt::Duration>(std::chrono::duration<double>(static_cast<double>(replicas) / plan_.rate));
  for (int i = 0; i < deployments(); ++i) {
    const std::string name = "d-" + std::to_string(i);
    co_await make(*user_, api::testing::from_yaml<apps::Deployment>(
                              "{metadata: {name: " + name + ", namespace: " + namespace_of(i) + "}, spec: {replicas: " + std::to_string(replicas) +
                              ", selector: {matchLabels: {app: " + name + "}}, template: {metadata: {labels: {app: " + name +
                              ", tier: load}}, spec: {tolerations: [{operator: Exists, effect: NoExecute}], terminationGracePeriodSeconds: 1, "
                              "containers: [{name: main, image: 'registry.example/web:1', resources: {requests: {cpu: 100m, memory: 64Mi}}, "
                              "ports: [{containerPort: 80}]}]}}}}"));
    (void)co_await rt::sleep_for(background, pause);
  }
}

// The Deployments say so too.
rt::Task<bool> Scale::all_ready() {
  if (fleet_->ready() < pods()) co_return false;
  client::ListOptions options;
  options.limit = 500;
  int64_t ready = 0;
  do {
    auto page = co_await user_->list<apps::Deployment>(background, options);
    if (!page) co_return false;
    for (const apps::Deployment& one : page->items) ready += one.status.ready_replicas;
    options.continue_token = page->continue_token;
  } while (!options.continue_token.empty());
  co_return ready == pods();
}

// Every node of zone 0.
rt::Task<bool> Scale::zone_says(std::string status) {
  client::ListOptions options;
  options.limit = 500;
  options.label_selector = "topology.kubernetes.io/zone=zone-0";
  do {
    auto page = co_await user_->list<core::Node>(background, options);
    if (!page) co_return false;
    for (const core::Node& node : page->items)
      for (const core::NodeCondition& one : node.status.conditions)
        if (one.type == "Ready" && one.status != status) co_return false;
    options.continue_token = page->continue_token;
  } while (!options.continue_token.empty());
  co_return true;
}

rt::Task<void> Scale::run() {
  co_await start();
  std::printf("scale: %d nodes, %lld pods of %d Deployments, %d a second\n", plan_.nodes, static_cast<long long>(pods()), deployments(), plan_.rate);
  for (int i = 0; i < namespaces; ++i) co_await make(*user_, api::testing::from_yaml<core::Namespace>("{metadata: {name: " + namespace_of(i) + "}}"));
  const double wall = wall_s(), cpu = cpu_s();
  const rt::TimePoint began = machine_.clock().now();
  rt::TaskGroup guards;
  guards.spawn(guard_memory());
  auto registered = co_await fleet_->register_all();
  must(registered, "nodes");
  fleet_->start();
  (void)co_await rt::sleep_for(background, std::chrono::seconds(12));
  tell("nodes register, 12 s of Leases", wall, cpu, began);
  rt::TaskGroup making;
  making.spawn(make_workloads());
  co_await step("pods are made", Goal::Made);
  co_await step("bound", Goal::Bound);
  co_await step("running and ready", Goal::Ready);
  co_await making.join();
  quiet_until_ = machine_.clock().now() + std::chrono::seconds(60);
  co_await step("60 s of quiet", Goal::Quiet);
  if (const char* path = std::getenv("SCALE_HEAP_PROFILE"); path != nullptr) {
    const auto taken = component::take_heap_profile();
    must(taken ? Result<Unit>(Unit{}) : Result<Unit>(Unexpected(taken.error())), "the heap profile");
    std::ofstream(path) << component::to_text(*taken);
  }
  fleet_->lose_zone(0);
  co_await step("a zone is lost: its nodes are not ready", Goal::ZoneLost);
  co_await step("nor are its pods", Goal::PodsLost);
  fleet_->bring_back(0);
  co_await step("it comes back: its nodes are ready", Goal::ZoneBack);
  co_await step("and all pods", Goal::Ready);
  tell("in all", wall, cpu, began);
  std::exit(0);  // nobody waits for a million objects to be freed
}

int simulate(Plan plan) {
  rt::Simulation sim({.seed = 1, .log_bytes_max = 1 << 20, .steps_max = UINT64_MAX});
  rt::Machine& machine = sim.add_machine({.name = "server", .address = "10.0.0.1"});
  Scale scale(machine, plan);
  auto ended = sim.run(machine, [&scale] { return scale.run(); });
  if (!ended) std::fprintf(stderr, "scale: %s\n", ended.error().message.c_str());
  return ended ? 0 : 1;
}

}  // namespace
}  // namespace pintle::testing

int main(int argc, char** argv) {
  pintle::testing::Plan plan;
  for (int* value : {&plan.nodes, &plan.pods, &plan.rate, &plan.memory_mib}) {
    if (argc < 2) break;
    *value = std::atoi(*++argv);
    --argc;
    if (*value <= 0) {
      std::fprintf(stderr, "usage: scale_simulation [NODES [PODS [RATE [MIB]]]]\n");
      return 2;
    }
  }
  if (plan.memory_mib == 0) plan.memory_mib = pintle::testing::free_mib() / 10 * 9;
  return pintle::testing::simulate(plan);
}

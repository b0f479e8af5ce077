#include "cluster_simulation.h"

#include <algorithm>
#include <memory>

#include "api/gen/apps_v1.h"
#include "apiserver/server.h"
#include "client/client.h"
#include "client/informers.h"
#include "client/kubeconfig.h"
#include "controller/manager.h"
#include "hollow_node.h"
#include "net/server.h"
#include "scheduler/scheduler.h"
#include "workloads.h"

namespace pintle::testing {
namespace {

namespace core = api::core_v1;
namespace apps = api::apps_v1;

constexpr uint16_t port = 6443;
const rt::Context background = rt::Context::background();

// xorshift: the test's own choices, apart from the simulation's.
struct Dice {
  uint64_t state;
  uint64_t operator()(uint64_t bound) {
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return state % bound;
  }
};

rt::Task<void> for_ever() {
  rt::Event never;
  (void)co_await never.wait(background);
}

std::unique_ptr<client::Client> connect_to(rt::Machine& machine, const rt::Machine& server) {
  client::ConnectionConfig config;
  config.client.server = "http://" + server.address() + ":" + std::to_string(port);
  config.client.request_timeout = std::chrono::seconds(10);
  config.tls.http2 = false;  // so each watch has a connection of its own
  config.tls.connections_per_host_max = 1000;
  config.tls.dial_timeout = std::chrono::seconds(5);
  auto client = client::connect(machine, std::move(config));
  CHECK(client, "a plain client needs no files");
  return std::move(*client);
}

// What the user wants and was promised.
struct Wanted {
  int32_t replicas = 0;
  std::string image;
};

class Cluster {
 public:
  explicit Cluster(ClusterPlan plan) : plan_(plan), dice_{plan.seed * 0x9e3779b97f4a7c15u | 1}, sim_({.seed = plan.seed}) {
    for (int i = 0; i < 8; ++i) dice_(2);
  }
  ClusterOutcome run();

 private:
  void add_machines();
  rt::Task<void> serve();
  rt::Task<void> control();
  rt::Task<void> be_node(rt::Machine* machine);
  rt::Task<void> observe();
  rt::Task<void> use();
  rt::Task<void> bring_chaos();
  void do_disaster();
  bool daemons_run_on(const rt::Machine& machine) const {
    return std::ranges::find(nodes_.begin(), nodes_.begin() + plan_.daemons, &machine) != nodes_.begin() + plan_.daemons;
  }

  rt::Task<bool> create_deployment(client::Client& client, std::string name);
  rt::Task<bool> change_deployment(client::Client& client, std::string name);
  rt::Task<void> await_convergence(client::Client& client);
  rt::Task<std::string> what_is_missing(client::Client& client);
  rt::Task<void> describe(client::Client& client);
  void saw_pod(const core::Pod& pod);
  void violation(std::string what) { outcome_.violations.push_back(std::move(what)); }

  const ClusterPlan plan_;
  Dice dice_;
  rt::Simulation sim_;
  rt::Machine* server_ = nullptr;
  rt::Machine* control_ = nullptr;
  rt::Machine* user_ = nullptr;
  rt::Machine* observer_ = nullptr;
  rt::Machine* chaos_ = nullptr;
  std::vector<rt::Machine*> nodes_;
  std::map<std::string, Wanted> wanted_;
  std::map<std::string, std::string> node_of_pod_;  // by uid
  bool user_done_ = false;
  bool chaos_done_ = false;
  ClusterOutcome outcome_;
  Workloads workloads_{[this](std::string what) { violation(std::move(what)); }, [this](uint64_t n) { return dice_(n); }};
};

void Cluster::add_machines() {
  server_ = &sim_.add_machine({.name = "server", .address = "10.0.0.1"});
  control_ = &sim_.add_machine({.name = "control", .address = "10.0.0.2"});
  user_ = &sim_.add_machine({.name = "user", .address = "10.0.0.3"});
  observer_ = &sim_.add_machine({.name = "observer", .address = "10.0.0.4"});
  chaos_ = &sim_.add_machine({.name = "chaos", .address = "10.0.0.5"});
  for (int i = 0; i < plan_.nodes; ++i) {
    const std::string number = std::to_string(i);
    nodes_.push_back(&sim_.add_machine({.name = "node" + number, .address = "10.1." + std::to_string(i / 250) + "." + std::to_string(1 + i % 250)}));
  }
}

rt::Task<void> Cluster::serve() {
  apiserver::ApiServerSetup setup;
  setup.options.data_dir = "/data";
  setup.options.advertise_address = server_->address();
  setup.listen = false;
  setup.secured = false;
  setup.simulated_disk = true;
  auto api = apiserver::make_api_server(*server_, std::move(setup));
  auto started = co_await api->start();
  if (!started) violation("the API server does not start: " + started.error().message);
  net::ServerOptions options;
  options.listen = {server_->address(), port};
  auto http = net::make_server(*server_, api->handler(), std::move(options));
  auto listening = co_await http->start();
  if (!listening) violation("the API server does not listen: " + listening.error().message);
  co_await for_ever();
}

rt::Task<void> Cluster::control() {
  auto client = connect_to(*control_, *server_);
  controller::ManagerSetup manager_setup{*control_, *client, nullptr, {}, {"*"}, std::nullopt};
  auto manager = controller::make_controller_manager(std::move(manager_setup));
  auto started = manager->start();
  if (!started) violation("the controllers do not start: " + started.error().message);
  component::metrics::Registry metrics;
  scheduler::SchedulerSetup scheduler_setup{.runtime = *control_, .client = *client, .metrics = metrics};
  auto scheduler = scheduler::make_scheduler(std::move(scheduler_setup));
  auto scheduling = scheduler->start();
  if (!scheduling) violation("the scheduler does not start: " + scheduling.error().message);
  co_await for_ever();
}

rt::Task<void> Cluster::be_node(rt::Machine* machine) {
  auto client = connect_to(*machine, *server_);
  HollowNodeOptions options;
  options.name = machine->name();
  options.address = machine->address();
  if (daemons_run_on(*machine)) options.labels[daemon_label] = "yes";
  options.on_start = [this, machine](const core::Pod& pod) { workloads_.runs(machine->name(), pod); };
  options.on_end = [this, machine](const std::string& key) { workloads_.stopped(machine->name(), key); };
  HollowNode node(*machine, *client, std::move(options));
  co_await node.run(background);
}

void Cluster::saw_pod(const core::Pod& pod) {
  if (pod.spec.node_name.empty()) return;
  const auto [it, fresh] = node_of_pod_.emplace(pod.metadata.uid, pod.spec.node_name);
  if (fresh) ++outcome_.pods_seen;
  if (it->second != pod.spec.node_name) violation("pod " + pod.metadata.name + " was bound to " + it->second + " and to " + pod.spec.node_name);
}

rt::Task<void> Cluster::observe() {
  auto client = connect_to(*observer_, *server_);
  client::Informers informers(*client);
  auto pods = informers.of<core::Pod>();
  pods.on_any([this](const core::Pod& pod) { saw_pod(pod); });
  informers.start();
  while (true) {
    co_await workloads_.audit(*client);
    (void)co_await rt::sleep_for(background, std::chrono::seconds(1));
  }
}

rt::Task<bool> Cluster::create_deployment(client::Client& client, std::string name) {
  apps::Deployment deployment;
  deployment.metadata.name = name;
  deployment.metadata.namespace_ = "default";
  const Wanted wanted{static_cast<int32_t>(1 + dice_(40)), "image:1"};
  deployment.spec.replicas = wanted.replicas;
  api::meta_v1::LabelSelector selector;
  selector.match_labels["app"] = name;
  deployment.spec.selector = selector;
  deployment.spec.template_.metadata.labels["app"] = name;
  core::Container container;
  container.name = "c";
  container.image = wanted.image;
  deployment.spec.template_.spec.containers.push_back(container);
  auto created = co_await client.create<apps::Deployment>(background, deployment);
  // Unanswered, it may have been created: then the next try says so.
  const bool exists = created || created.error().reason == Reason::AlreadyExists;
  if (created) {
    ++outcome_.acknowledged_writes;
    wanted_[name] = wanted;
  } else if (exists) {
    auto found = co_await client.get<apps::Deployment>(background, "default", name);
    if (!found) co_return false;
    wanted_[name] = {found->spec.replicas.value_or(1), found->spec.template_.spec.containers.front().image};
  }
  co_return exists;
}

rt::Task<bool> Cluster::change_deployment(client::Client& client, std::string name) {
  auto found = co_await client.get<apps::Deployment>(background, "default", name);
  if (!found) {
    if (found.error().reason == Reason::NotFound) violation("deployment " + name + ", acknowledged, is lost");
    co_return false;
  }
  const Wanted& known = wanted_[name];
  if (found->spec.replicas.value_or(1) != known.replicas) violation("deployment " + name + " lost an acknowledged change of its replicas");
  if (found->spec.template_.spec.containers.front().image != known.image)
    violation("deployment " + name + " lost an acknowledged change of its image");
  Wanted next = known;
  if (dice_(2) == 0) {
    next.replicas = static_cast<int32_t>(dice_(60));
  } else {
    next.image = "image:" + std::to_string(1 + dice_(5));
  }
  found->spec.replicas = next.replicas;
  found->spec.template_.spec.containers.front().image = next.image;
  while (true) {
    auto updated = co_await client.update<apps::Deployment>(background, *found);
    if (updated) {
      ++outcome_.acknowledged_writes;
      break;
    }
    (void)co_await rt::sleep_for(background, std::chrono::seconds(1));
    auto again = co_await client.get<apps::Deployment>(background, "default", name);
    if (!again) continue;
    const bool done = again->spec.replicas.value_or(1) == next.replicas && again->spec.template_.spec.containers.front().image == next.image;
    if (done) break;
    again->spec.replicas = next.replicas;
    again->spec.template_.spec.containers.front().image = next.image;
    found = std::move(again);
  }
  wanted_[name] = next;
  co_return true;
}

rt::Task<void> Cluster::use() {
  auto client = connect_to(*user_, *server_);
  for (int i = 0; i < plan_.deployments; ++i) {
    while (true) {
      const bool created = co_await create_deployment(*client, "app" + std::to_string(i));
      if (created) break;
      (void)co_await rt::sleep_for(background, std::chrono::seconds(1));
    }
  }
  co_await workloads_.create(*client);
  for (int step = 0; step < plan_.user_steps;) {
    (void)co_await rt::sleep_for(background, std::chrono::milliseconds(100 + dice_(8000)));
    co_await workloads_.change(*client);
    const bool changed = co_await change_deployment(*client, "app" + std::to_string(dice_(static_cast<uint64_t>(plan_.deployments))));
    if (changed) ++step;
  }
  user_done_ = true;
  while (!chaos_done_) (void)co_await rt::sleep_for(background, std::chrono::seconds(1));
  co_await await_convergence(*client);
  if (outcome_.violations.empty()) co_await workloads_.drain(*client);
  co_await client->close();
}

rt::Task<std::string> Cluster::what_is_missing(client::Client& client) {
  client::ListOptions everywhere;
  everywhere.namespace_name = "default";
  auto deployments = co_await client.list<apps::Deployment>(background, everywhere);
  if (!deployments) co_return "deployments cannot be listed: " + deployments.error().message;
  auto pods = co_await client.list<core::Pod>(background, everywhere);
  if (!pods) co_return "pods cannot be listed: " + pods.error().message;
  std::map<std::string, int32_t> running;
  for (const core::Pod& pod : pods->items) {
    saw_pod(pod);
    const std::string* app = pod.metadata.labels.get("app");
    if (!app) co_return "pod " + pod.metadata.name + " has no label";
    if (pod.metadata.deletion_timestamp) co_return "pod " + pod.metadata.name + " is still being deleted";
    if (pod.status.phase != "Running") co_return "pod " + pod.metadata.name + " is " + pod.status.phase + " on node \"" + pod.spec.node_name + "\"";
    if (pod.spec.containers.front().image != wanted_[*app].image) co_return "pod " + pod.metadata.name + " has an old image";
    ++running[*app];
  }
  for (const auto& [name, wanted] : wanted_) {
    if (running[name] != wanted.replicas)
      co_return name + " has " + std::to_string(running[name]) + " of " + std::to_string(wanted.replicas) + " pods";
    bool there = false;
    for (const apps::Deployment& deployment : deployments->items) {
      if (deployment.metadata.name != name) continue;
      there = true;
      if (deployment.status.ready_replicas != wanted.replicas)
        co_return "the status of " + name + " says " + std::to_string(deployment.status.ready_replicas);
    }
    if (!there) violation("deployment " + name + ", acknowledged, is lost");
  }
  co_return co_await workloads_.missing(client, plan_.daemons);
}

rt::Task<void> Cluster::await_convergence(client::Client& client) {
  const rt::TimePoint end = sim_.now() + plan_.converge_max;
  std::string missing;
  while (sim_.now() < end) {
    missing = co_await what_is_missing(client);
    if (missing.empty()) co_return;
    (void)co_await rt::sleep_for(background, std::chrono::seconds(2));
  }
  violation("not converged: " + missing);
  co_await describe(client);
}

// Where the workloads stand, for whoever reads the failure.
rt::Task<void> Cluster::describe(client::Client& client) {
  client::ListOptions everywhere;
  auto sets = co_await client.list<apps::ReplicaSet>(background, everywhere);
  auto pods = co_await client.list<core::Pod>(background, everywhere);
  auto deployments = co_await client.list<apps::Deployment>(background, everywhere);
  if (!sets || !pods || !deployments) co_return;
  for (const apps::Deployment& deployment : deployments->items) {
    std::string line = deployment.metadata.name + " has " + std::to_string(deployment.status.ready_replicas) + " of " +
                       std::to_string(deployment.spec.replicas.value_or(1)) + ", revision " + std::to_string(deployment.status.observed_generation) +
                       " of " + std::to_string(deployment.metadata.generation);
    for (const auto& condition : deployment.status.conditions)
      line += "; " + condition.type + " " + condition.status + " " + condition.reason + " " + condition.message;
    outcome_.state.push_back(std::move(line));
  }
  for (const auto& [name, wanted] : wanted_) outcome_.state.push_back(name + " wants " + std::to_string(wanted.replicas) + " of " + wanted.image);
  for (const apps::ReplicaSet& set : sets->items)
    if (set.spec.replicas.value_or(0) != 0 || set.status.replicas != 0)
      outcome_.state.push_back(set.metadata.name + " (" + set.spec.template_.spec.containers.front().image + ") has " +
                               std::to_string(set.status.ready_replicas) + " ready of " + std::to_string(set.status.replicas) + ", wants " +
                               std::to_string(set.spec.replicas.value_or(0)));
  std::map<std::string, int> phases;
  for (const core::Pod& pod : pods->items)
    ++phases[*pod.metadata.labels.get("app") + " " + pod.status.phase + (pod.spec.node_name.empty() ? " without a node" : "") +
             (pod.metadata.deletion_timestamp ? " on its way out" : "")];
  for (const auto& [what, count] : phases) outcome_.state.push_back(std::to_string(count) + " pods: " + what);
}

void Cluster::do_disaster() {
  const auto note = [this](std::string what) {
    sim_.note(what);
    outcome_.disasters.push_back(std::move(what));
  };
  switch (dice_(6)) {
    case 0:
    case 1: {
      const rt::Death death = dice_(2) == 0 ? rt::Death::Power : rt::Death::Process;
      note(death == rt::Death::Power ? "the server loses power" : "the server is killed");
      sim_.kill(*server_, death);
      sim_.restart(*server_);
      sim_.start(*server_, [this] { return serve(); });
      break;
    }
    case 2:
      note("the control machine is killed");
      sim_.kill(*control_, rt::Death::Process);
      sim_.restart(*control_);
      sim_.start(*control_, [this] { return control(); });
      break;
    case 3: {
      rt::Machine& node = *nodes_[dice_(nodes_.size())];
      note(node.name() + " loses power");
      workloads_.node_died(node.name());
      sim_.kill(node, rt::Death::Power);
      sim_.restart(node);
      sim_.start(node, [this, machine = &node] { return be_node(machine); });
      break;
    }
    case 4: {
      note("connections break");
      for (rt::Machine* machine : {control_, user_, observer_, nodes_[dice_(nodes_.size())]}) sim_.network().reset_connections(*server_, *machine);
      break;
    }
    default: {
      rt::Machine& cut = dice_(2) == 0 ? *control_ : *nodes_[dice_(nodes_.size())];
      note(cut.name() + " is cut off, or joined again");
      if (sim_.network().blocked(&cut, server_))
        sim_.heal(cut, *server_);
      else
        sim_.partition(cut, *server_);
    }
  }
}

rt::Task<void> Cluster::bring_chaos() {
  server_->disk_plan().latency_max = std::chrono::milliseconds(dice_(20));
  for (int i = 0; i < plan_.disasters; ++i) {
    (void)co_await rt::sleep_for(background, std::chrono::milliseconds(500 + dice_(20000)));
    do_disaster();
  }
  (void)co_await rt::sleep_for(background, std::chrono::seconds(20));
  server_->disk_plan().latency_max = {};
  sim_.heal(*control_, *server_);
  for (rt::Machine* node : nodes_) sim_.heal(*node, *server_);
  chaos_done_ = true;
}

ClusterOutcome Cluster::run() {
  add_machines();
  sim_.start(*server_, [this] { return serve(); });
  sim_.start(*control_, [this] { return control(); });
  sim_.start(*observer_, [this] { return observe(); });
  for (rt::Machine* node : nodes_) sim_.start(*node, [this, node] { return be_node(node); });
  sim_.start(*chaos_, [this] { return bring_chaos(); });
  const rt::TimePoint began = sim_.now();
  auto ended = sim_.run(*user_, [this] { return use(); });
  if (!ended) violation(ended.error().message);
  outcome_.virtual_time = sim_.now() - began;
  return std::move(outcome_);
}

}  // namespace

ClusterOutcome run_cluster(ClusterPlan plan) { return Cluster(plan).run(); }

}  // namespace pintle::testing

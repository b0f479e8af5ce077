#include "cluster.h"

#include <gtest/gtest.h>

#include "codec/json.h"
#include "controller/daemonset/plan.h"
#include "controller/pods/pod_state.h"
#include "rules/pod_state.h"

namespace pintle::controller::testing {

using api::core_v1::Pod;

rt::Task<std::unique_ptr<Cluster>> Cluster::start(rt::Runtime& runtime, ClusterOptions options) {
  auto cluster = std::make_unique<Cluster>();
  cluster->runtime_ = &runtime;
  cluster->tasks_ = std::make_unique<rt::TaskGroup>();
  apiserver::ApiServerOptions server_options;
  auto server = co_await apiserver::testing::InProcessServer::start(runtime, std::move(server_options));
  if (!server) {
    ADD_FAILURE() << server.error().message;
    co_return nullptr;
  }
  cluster->server_ = std::move(*server);
  client::ClientConfig config;
  cluster->client_ = client::connect_in_process(runtime, cluster->server_->server().handler(), "system:admin", config);
  cluster->manager_client_ = client::connect_in_process(runtime, cluster->server_->server().handler(), "system:kube-controller-manager", config);
  cluster->options_ = std::move(options);
  cluster->start_controllers();
  cluster->informers_ = std::make_unique<client::Informers>(*cluster->client_);
  if (cluster->options_.hollow) {
    Cluster* self = cluster.get();
    client::Informer<Pod>::Handler handler;
    handler.on_add = [self](const pods::PodPtr& pod, bool) { self->tasks_->spawn(self->run_pod(pod)); };
    handler.on_update = [self](const pods::PodPtr&, const pods::PodPtr& pod) { self->tasks_->spawn(self->run_pod(pod)); };
    self->informers_->of<Pod>().add_handler(std::move(handler));
  }
  cluster->informers_->start();
  co_return cluster;
}

std::unique_ptr<client::Client> Cluster::client_of(const std::string& user) {
  return client::connect_in_process(*runtime_, server_->server().handler(), user, {});
}

rt::Task<void> Cluster::run_pod(std::shared_ptr<const Pod> pod) {
  const rt::Context ctx = tasks_->context();
  const std::string ns = pod->metadata.namespace_, name = pod->metadata.name;
  if (pods::is_deleted(pod->metadata)) {
    client::DeleteOptions now;
    now.grace_period_seconds = 0;
    now.precondition_uid = pod->metadata.uid;
    auto gone = co_await client_->remove<Pod>(ctx, ns, name, std::move(now));
    (void)gone;
    co_return;
  }
  if (pod->spec.node_name.empty()) {
    api::core_v1::Binding binding;
    binding.metadata.name = name;
    binding.metadata.namespace_ = ns;
    binding.target.kind = "Node";
    binding.target.name = "node-0";
    if (std::string wanted = daemonset::target_node(*pod); !wanted.empty()) binding.target.name = std::move(wanted);
    auto bound = co_await client_->create_subresource<api::meta_v1::Status>(ctx, client::resource_of<Pod>(), ns, name, "binding", std::move(binding));
    (void)bound;
    co_return;
  }
  const std::string phase = pod->spec.restart_policy == "Always" ? "Running" : "Succeeded";
  if (pod->status.phase == phase || rules::is_terminal(*pod)) co_return;
  const std::string ip = "10.244.0." + std::to_string(++addresses_);
  const std::string ready = phase == "Running" ? "True" : "False";
  const std::string now = api::format_time(
      api::time_from_unix(std::chrono::duration_cast<std::chrono::seconds>(runtime_->clock().wall_now().time_since_epoch()).count(), 0));
  std::string body = R"({"metadata":{"uid":")" + pod->metadata.uid + R"("},"status":{"phase":")" + phase + R"(","podIP":")" + ip +
                     R"(","podIPs":[{"ip":")" + ip + R"("}],"conditions":[{"type":"Ready","status":")" + ready + R"(","lastTransitionTime":")" + now +
                     R"("}]}})";
  client::PatchOptions options;
  options.subresource = "status";
  auto done = co_await client_->patch<Pod>(ctx, ns, name, client::PatchType::Strategic, std::move(body), std::move(options));
  (void)done;
}

void Cluster::start_controllers() {
  ManagerSetup setup{*runtime_, *manager_client_, nullptr, options_.options, options_.controllers, std::nullopt};
  manager_ = make_controller_manager(std::move(setup));
  auto started = manager_->start();
  EXPECT_TRUE(started.has_value());
}

rt::Task<void> Cluster::stop_controllers() {
  co_await manager_->stop();
  manager_.reset();
}

rt::Task<void> Cluster::stop() {
  if (manager_) co_await manager_->stop();
  co_await informers_->stop();
  co_await tasks_->close();
  co_await manager_client_->close();
  co_await client_->close();
  co_await server_->stop();
}

rt::Task<void> Cluster::create(std::string path, std::string json) {
  auto made = co_await client_->ask_json(rt::Context::background(), "POST", path, json, "application/json");
  EXPECT_TRUE(made.has_value()) << path << ": " << (made ? "" : made.error().message);
}

rt::Task<codec::Value> Cluster::get(std::string path) {
  auto got = co_await client_->ask_json(rt::Context::background(), "GET", path, "", "");
  co_return got ? std::move(*got) : codec::Value();
}

rt::Task<std::string> Cluster::at(std::string path, std::string field) {
  apiserver::testing::Answer answer;
  answer.json = co_await get(std::move(path));
  co_return answer.at(field);
}

rt::Task<std::size_t> Cluster::count(std::string path) {
  const codec::Value list = co_await get(std::move(path));
  const codec::Value* items = list.find("items");
  co_return items != nullptr && items->is_array() ? items->as_array().size() : 0;
}

rt::Task<void> Cluster::eventually(std::string what, std::function<rt::Task<bool>()> holds) {
  constexpr int tries_max = 3000;  // of 100 ms of simulated time
  for (int i = 0; i < tries_max; ++i) {
    const bool now = co_await holds();
    if (now) co_return;
    auto slept = co_await rt::sleep_for(rt::Context::background(), std::chrono::milliseconds(100));
    (void)slept;
  }
  ADD_FAILURE() << "never: " << what;
}

namespace {

rt::Task<void> run(ClusterOptions options, std::function<rt::Task<void>(Cluster&)>& scenario) {
  auto cluster = co_await Cluster::start(rt::Executor::current().runtime(), std::move(options));
  if (cluster == nullptr) co_return;
  co_await scenario(*cluster);
  co_await cluster->stop();
}

}  // namespace

void with_cluster(ClusterOptions options, std::function<rt::Task<void>(Cluster&)> scenario, uint64_t seed) {
  rt::testing::run_sim([&] { return run(std::move(options), scenario); }, seed);
}

}  // namespace pintle::controller::testing

// A scheduler in simulation, against an API server that does what the test says.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>

#include "base/check.h"
#include "client/testing.h"
#include "rt/testing.h"
#include "scheduler/scheduler.h"

namespace pintle::scheduler::testing {

using api::core_v1::Node;
using api::core_v1::Pod;
using client::testing::FakeServer;

struct World {
  FakeServer server;
  std::unique_ptr<client::Client> client = client::testing::connect(rt::Executor::current().runtime(), server);
  component::metrics::Registry registry;
  std::unique_ptr<Scheduler> scheduler;
  std::map<std::string, Pod> pods;
  std::function<int(const Pod&)> on_binding = [](const Pod&) { return 200; };  // 200: the pod gets the node
  std::function<int(const Pod&)> on_eviction = [](const Pod&) { return 200; };
  bool shows_nodes = true;  // of pods that were bound

  World() {
    server.on_write = [this](const FakeServer::Write& write) { return written(write); };
  }
  int written(const FakeServer::Write& write) {
    const std::string path = write.path.ends_with("/binding") ? write.path.substr(0, write.path.rfind('/')) : write.path;
    const auto it = pods.find(path.substr(path.rfind('/') + 1));
    if (it == pods.end()) return 200;
    if (write.method == "DELETE") {
      if (const int code = on_eviction(it->second); code != 200) return code;
      server.remove(it->second);
    }
    if (path == write.path) return 200;
    const int code = on_binding(it->second);
    if (code != 200) return code;
    it->second.spec.node_name = write.as<api::core_v1::Binding>().target.name;
    if (shows_nodes) server.put(it->second);
    return code;
  }
  void add_node(const std::string& name, int64_t milli_cpu = 1000) {
    Node node;
    node.metadata.name = node.metadata.uid = name;
    node.status.allocatable = {
        {"cpu", api::Quantity::from_milli(milli_cpu)}, {"memory", api::Quantity::from_int(1 << 30)}, {"pods", api::Quantity::from_int(10)}};
    server.put(node);
  }
  Pod& add_pod(const std::string& name, int64_t milli_cpu, std::function<void(Pod&)> change = nullptr) {
    Pod& pod = pods[name];
    pod.metadata.name = pod.metadata.uid = name;
    pod.metadata.namespace_ = "default";
    pod.spec.scheduler_name = "default-scheduler";
    pod.spec.containers.emplace_back().resources.requests["cpu"] = api::Quantity::from_milli(milli_cpu);
    if (change) change(pod);
    server.put(pod);
    return pod;
  }
  void start(config::SchedulerConfig config = config::default_config()) {
    SchedulerSetup setup{rt::Executor::current().runtime(), *client, registry, std::move(config), component::FeatureGates(), std::nullopt};
    scheduler = make_scheduler(std::move(setup));
    CHECK(scheduler->start().has_value(), "the default configuration");
  }
  bool has_sample(const std::string& line) const { return registry.write().find(line + "\n") != std::string::npos; }
  // The node of a pod once it has one; "" after a minute.
  rt::Task<std::string> node_of(std::string name) {
    for (int i = 0; i < 600 && pods.at(name).spec.node_name.empty(); ++i)
      (void)co_await rt::sleep_for(rt::Context::background(), std::chrono::milliseconds(100));
    co_return pods.at(name).spec.node_name;
  }
};

inline void in_world(std::function<rt::Task<void>(World&)> steps) {
  rt::testing::run_sim([&]() -> rt::Task<void> {
    World world;
    co_await steps(world);
    co_await world.scheduler->stop();
    world.scheduler.reset();
    co_await world.client->close();
  });
}

}  // namespace pintle::scheduler::testing

// The scheduler against a whole API server in this process, under the simulated clock, with hollow nodes.
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <set>

#include "api/gen/core_v1.h"
#include "api/gen/scheduling_v1.h"
#include "api/gen/storage_v1.h"
#include "apiserver/testing/in_process.h"
#include "client/kubeconfig.h"
#include "rt/testing.h"
#include "scheduler/scheduler.h"

namespace pintle::scheduler {
namespace {

using api::core_v1::Event;
using api::scheduling_v1::PriorityClass;
using apiserver::testing::InProcessServer;
using std::chrono::milliseconds;
using std::chrono::seconds;

const rt::Context background = rt::Context::background();

struct World {
  std::unique_ptr<InProcessServer> server;
  std::unique_ptr<client::Client> client;
  component::metrics::Registry metrics;
  std::unique_ptr<Scheduler> scheduler;
  config::SchedulerConfig config = config::default_config();

  void start_scheduler() {
    SchedulerSetup setup{rt::Executor::current().runtime(), *client, metrics, config, component::FeatureGates(), std::nullopt};
    scheduler = make_scheduler(std::move(setup));
    auto started = scheduler->start();
    CHECK(started.has_value(), started ? "" : started.error().message);
  }
};

void with_world(std::function<rt::Task<void>(World&)> steps, uint64_t seed = 1) {
  rt::testing::run_sim(
      [&]() -> rt::Task<void> {
        World world;
        apiserver::ApiServerOptions options;
        options.disable_admission_plugins = {"ServiceAccount", "TaintNodesByCondition"};  // no controllers here
        auto server = co_await InProcessServer::start(rt::Executor::current().runtime(), std::move(options));
        CHECK(server.has_value(), server ? "" : server.error().message);
        world.server = std::move(*server);
        client::ClientConfig config;
        world.client = client::connect_in_process(rt::Executor::current().runtime(), world.server->server().handler(), "system:admin", config);
        world.start_scheduler();
        co_await steps(world);
        if (world.scheduler) co_await world.scheduler->stop();
        world.scheduler.reset();
        co_await world.client->close();
        co_await world.server->stop();
      },
      seed);
}

api::Quantity quantity(std::string_view text) {
  auto parsed = api::Quantity::parse(text);
  CHECK(parsed.has_value(), "a quantity of the test");
  return *parsed;
}

Node node(const std::string& name, const std::string& cpu = "4", const std::string& memory = "8Gi") {
  Node out;
  out.metadata.name = name;
  out.metadata.labels["kubernetes.io/hostname"] = name;
  out.status.allocatable["cpu"] = quantity(cpu);
  out.status.allocatable["memory"] = quantity(memory);
  out.status.allocatable["pods"] = quantity("110");
  out.status.capacity = out.status.allocatable;
  return out;
}
Pod pod(const std::string& name, const std::string& cpu = "100m") {
  Pod out;
  out.metadata.name = name;
  out.metadata.namespace_ = "default";
  auto& container = out.spec.containers.emplace_back();
  container.name = "c";
  container.image = "registry.test/app:1";
  if (!cpu.empty()) container.resources.requests["cpu"] = quantity(cpu);
  return out;
}

template <class T>
rt::Task<void> create(World* world, T object) {
  auto made = co_await world->client->create(background, std::move(object));
  EXPECT_TRUE(made.has_value()) << (made ? "" : made.error().message);
}
rt::Task<Pod> get(World* world, std::string name) {
  auto found = co_await world->client->get<Pod>(background, "default", std::move(name));
  CHECK(found.has_value(), found ? "" : found.error().message);
  co_return std::move(*found);
}
// In virtual time: until the pod has a node ("" after a while).
rt::Task<std::string> node_of(World* world, std::string name) {
  for (int i = 0; i < 200; ++i) {
    const Pod found = co_await get(world, name);
    if (!found.spec.node_name.empty()) co_return found.spec.node_name;
    (void)co_await rt::sleep_for(background, milliseconds(100));
  }
  co_return "";
}
std::string condition_message(const Pod& pod) {
  for (const auto& condition : pod.status.conditions)
    if (condition.type == "PodScheduled") return condition.status + " " + condition.reason + ": " + condition.message;
  return "";
}
// The PodScheduled condition once it is False.
rt::Task<std::string> rejection_of(World* world, std::string name) {
  for (int i = 0; i < 100; ++i) {
    const Pod found = co_await get(world, name);
    const std::string message = condition_message(found);
    if (message.starts_with("False")) co_return message;
    (void)co_await rt::sleep_for(background, milliseconds(100));
  }
  co_return "";
}
rt::Task<std::vector<std::string>> events_of(World* world, std::string pod_name) {
  (void)co_await rt::sleep_for(background, seconds(2));
  client::ListOptions options;
  auto events = co_await world->client->list<Event>(background, std::move(options));
  std::vector<std::string> out;
  if (events)
    for (const Event& event : events->items)
      if (event.involved_object.name == pod_name) out.push_back(event.type + " " + event.reason + " " + event.message);
  co_return out;
}

TEST(SchedulerSimulation, BindsAndTells) {
  with_world([](World& world) -> rt::Task<void> {
    Node one = node("one");
    co_await create(&world, std::move(one));
    Pod web = pod("web");
    co_await create(&world, std::move(web));
    const std::string where = co_await node_of(&world, "web");
    EXPECT_EQ(where, "one");
    const auto events = co_await events_of(&world, "web");
    EXPECT_EQ(events, std::vector<std::string>{"Normal Scheduled Successfully assigned default/web to one"});
    const Pod found = co_await get(&world, "web");
    EXPECT_TRUE(condition_message(found).starts_with("True")) << condition_message(found);
  });
}

TEST(SchedulerSimulation, SaysWhyNotAndTriesAgainWhenThereIsRoom) {
  with_world([](World& world) -> rt::Task<void> {
    Node tainted = node("tainted");
    tainted.spec.taints.emplace_back();
    tainted.spec.taints[0].key = "dedicated";
    tainted.spec.taints[0].effect = "NoSchedule";
    co_await create(&world, std::move(tainted));
    Node small = node("small-a", "1");
    co_await create(&world, std::move(small));
    Node other = node("small-b", "1");
    co_await create(&world, std::move(other));
    Pod big = pod("big", "2");
    co_await create(&world, std::move(big));
    const std::string why = co_await rejection_of(&world, "big");
    EXPECT_TRUE(why.starts_with("False Unschedulable: 0/3 nodes are available: 1 node(s) had untolerated taint(s), 2 Insufficient cpu.")) << why;
    const auto events = co_await events_of(&world, "big");
    EXPECT_EQ(events.size(), 1u);
    Node large = node("large", "8");
    co_await create(&world, std::move(large));
    const std::string where = co_await node_of(&world, "big");
    EXPECT_EQ(where, "large");
  });
}

TEST(SchedulerSimulation, WaitsForTheFirstNode) {
  with_world([](World& world) -> rt::Task<void> {
    Pod early = pod("early");
    co_await create(&world, std::move(early));
    const std::string why = co_await rejection_of(&world, "early");
    EXPECT_EQ(why, "False Unschedulable: no nodes available to schedule pods");
    Node late = node("late");
    co_await create(&world, std::move(late));
    const std::string where = co_await node_of(&world, "early");
    EXPECT_EQ(where, "late");
  });
}

TEST(SchedulerSimulation, GatedPodsWaitForTheirGates) {
  with_world([](World& world) -> rt::Task<void> {
    Node one = node("one");
    co_await create(&world, std::move(one));
    Pod gated = pod("gated");
    gated.spec.scheduling_gates.emplace_back();
    gated.spec.scheduling_gates[0].name = "example.com/hold";
    co_await create(&world, std::move(gated));
    (void)co_await rt::sleep_for(background, seconds(20));
    Pod found = co_await get(&world, "gated");
    EXPECT_EQ(found.spec.node_name, "");
    found.spec.scheduling_gates.clear();
    auto updated = co_await world.client->update(background, std::move(found));
    EXPECT_TRUE(updated.has_value()) << (updated ? "" : updated.error().message);
    const std::string where = co_await node_of(&world, "gated");
    EXPECT_EQ(where, "one");
  });
}

// The sum of requests on every node stays within what it has, whatever the order; all pods that fit get a place.
TEST(SchedulerSimulation, FillsNodesAndNoMore) {
  for (uint64_t seed = 1; seed <= 3; ++seed)
    with_world(
        [](World& world) -> rt::Task<void> {
          for (int i = 0; i < 4; ++i) {
            Node each = node("n" + std::to_string(i), "2");
            co_await create(&world, std::move(each));
          }
          for (int i = 0; i < 20; ++i) {
            Pod each = pod("p" + std::to_string(i), "500m");
            co_await create(&world, std::move(each));
          }
          (void)co_await rt::sleep_for(background, seconds(30));
          client::ListOptions options;
          auto pods = co_await world.client->list<Pod>(background, std::move(options));
          std::map<std::string, int> on;
          for (const Pod& each : pods->items) ++on[each.spec.node_name];
          EXPECT_EQ(on[""], 4);
          for (int i = 0; i < 4; ++i) EXPECT_EQ(on["n" + std::to_string(i)], 4);
        },
        seed);
}

// The victims of least importance go; the pod takes their place, and those that were spared stay.
TEST(SchedulerSimulation, PreemptsPodsOfLowerPriority) {
  with_world([](World& world) -> rt::Task<void> {
    for (const auto& [name, value] : {std::pair{"low", 10}, std::pair{"high", 1000}}) {
      PriorityClass made;
      made.metadata.name = name;
      made.value = value;
      co_await create(&world, std::move(made));
    }
    Node one = node("one", "2");
    co_await create(&world, std::move(one));
    for (int i = 0; i < 4; ++i) {
      Pod each = pod("low-" + std::to_string(i), "500m");
      each.spec.priority_class_name = "low";
      each.spec.termination_grace_period_seconds = 0;
      co_await create(&world, std::move(each));
      const std::string where = co_await node_of(&world, "low-" + std::to_string(i));
      EXPECT_EQ(where, "one");
    }
    Pod important = pod("important", "1");
    important.spec.priority_class_name = "high";
    co_await create(&world, std::move(important));
    const std::string where = co_await node_of(&world, "important");
    EXPECT_EQ(where, "one");
    client::ListOptions options;
    auto left = co_await world.client->list<Pod>(background, std::move(options));
    EXPECT_EQ(left->items.size(), 3u);
    const Pod found = co_await get(&world, "important");
    EXPECT_EQ(found.status.nominated_node_name, "");  // cleared by the binding
    Pod modest = pod("modest", "1");
    modest.spec.priority_class_name = "low";
    co_await create(&world, std::move(modest));
    const std::string why = co_await rejection_of(&world, "modest");
    EXPECT_EQ(why,
              "False Unschedulable: 0/1 nodes are available: 1 Insufficient cpu. no new claims to deallocate, preemption: 0/1 nodes are available: 1 "
              "No preemption victims found for incoming pod.");
  });
}

api::core_v1::PodAffinityTerm term_for(const std::string& app, const std::string& key) {
  api::core_v1::PodAffinityTerm out;
  out.label_selector.emplace().match_labels["app"] = app;
  out.topology_key = key;
  return out;
}

TEST(SchedulerSimulation, KeepsPodsApartAndTogether) {
  with_world([](World& world) -> rt::Task<void> {
    for (int i = 0; i < 3; ++i) {
      Node each = node("n" + std::to_string(i));
      each.metadata.labels["zone"] = i < 2 ? "a" : "b";
      co_await create(&world, std::move(each));
    }
    std::set<std::string> used;
    for (int i = 0; i < 3; ++i) {
      Pod each = pod("apart-" + std::to_string(i));
      each.metadata.labels["app"] = "apart";
      each.spec.affinity.emplace().pod_anti_affinity.emplace().required_during_scheduling_ignored_during_execution.push_back(
          term_for("apart", "kubernetes.io/hostname"));
      co_await create(&world, std::move(each));
      used.insert(co_await node_of(&world, "apart-" + std::to_string(i)));
    }
    EXPECT_EQ(used, (std::set<std::string>{"n0", "n1", "n2"}));
    Pod fourth = pod("apart-3");
    fourth.metadata.labels["app"] = "apart";
    fourth.spec.affinity.emplace().pod_anti_affinity.emplace().required_during_scheduling_ignored_during_execution.push_back(
        term_for("apart", "kubernetes.io/hostname"));
    co_await create(&world, std::move(fourth));
    const std::string why = co_await rejection_of(&world, "apart-3");
    EXPECT_TRUE(why.starts_with("False Unschedulable: 0/3 nodes are available: 3 node(s) didn't match pod anti-affinity rules.")) << why;
    // A group that wants one zone: the first goes anywhere, the others follow it.
    std::set<std::string> zones;
    for (int i = 0; i < 4; ++i) {
      Pod each = pod("together-" + std::to_string(i));
      each.metadata.labels["app"] = "together";
      each.spec.affinity.emplace().pod_affinity.emplace().required_during_scheduling_ignored_during_execution.push_back(term_for("together", "zone"));
      co_await create(&world, std::move(each));
      const std::string where = co_await node_of(&world, "together-" + std::to_string(i));
      zones.insert(where == "n2" ? "b" : "a");
    }
    EXPECT_EQ(zones.size(), 1u);
  });
}

TEST(SchedulerSimulation, SpreadsPodsOverZones) {
  with_world([](World& world) -> rt::Task<void> {
    for (int i = 0; i < 4; ++i) {
      Node each = node("n" + std::to_string(i));
      each.metadata.labels["zone"] = i < 3 ? "a" : "b";  // zone b is one node
      co_await create(&world, std::move(each));
    }
    int in_b = 0;
    for (int i = 0; i < 8; ++i) {
      Pod each = pod("p" + std::to_string(i));
      each.metadata.labels["app"] = "spread";
      auto& constraint = each.spec.topology_spread_constraints.emplace_back();
      constraint.max_skew = 1;
      constraint.topology_key = "zone";
      constraint.when_unsatisfiable = "DoNotSchedule";
      constraint.label_selector.emplace().match_labels["app"] = "spread";
      co_await create(&world, std::move(each));
      const std::string where = co_await node_of(&world, "p" + std::to_string(i));
      in_b += where == "n3";
    }
    EXPECT_EQ(in_b, 4);
  });
}

Pod with_claim(const std::string& name, const std::string& claim) {
  Pod out = pod(name);
  auto& volume = out.spec.volumes.emplace_back();
  volume.name = "data";
  volume.persistent_volume_claim.emplace().claim_name = claim;
  return out;
}

// A claim that waits for its consumer: the node is chosen, the provisioner is told, and the pod is bound when it is served.
TEST(SchedulerSimulation, WaitsForVolumes) {
  with_world([](World& world) -> rt::Task<void> {
    Node one = node("one");
    co_await create(&world, std::move(one));
    Pod early = with_claim("early", "later");
    co_await create(&world, std::move(early));
    std::string why = co_await rejection_of(&world, "early");
    EXPECT_TRUE(why.starts_with("False Unschedulable: 0/1 nodes are available: persistentvolumeclaim \"later\" not found.")) << why;

    api::storage_v1::StorageClass made;
    made.metadata.name = "local";
    made.provisioner = "example.com/disks";
    made.volume_binding_mode = "WaitForFirstConsumer";
    co_await create(&world, std::move(made));
    api::core_v1::PersistentVolumeClaim claim;
    claim.metadata.name = "later";
    claim.metadata.namespace_ = "default";
    claim.spec.access_modes = {"ReadWriteOnce"};
    claim.spec.storage_class_name = "local";
    claim.spec.resources.requests["storage"] = quantity("1Gi");
    co_await create(&world, std::move(claim));

    std::string chosen;
    for (int i = 0; i < 100 && chosen.empty(); ++i) {
      (void)co_await rt::sleep_for(background, milliseconds(100));
      auto found = co_await world.client->get<api::core_v1::PersistentVolumeClaim>(background, "default", "later");
      if (const std::string* node = found->metadata.annotations.get("volume.kubernetes.io/selected-node")) chosen = *node;
    }
    EXPECT_EQ(chosen, "one");
    Pod waiting = co_await get(&world, "early");
    EXPECT_EQ(waiting.spec.node_name, "");
    // What the provisioner and the volume controller do.
    const char* bound = R"({"metadata":{"annotations":{"pv.kubernetes.io/bind-completed":"yes"}},"spec":{"volumeName":"disk-1"}})";
    auto patched = co_await world.client->patch<api::core_v1::PersistentVolumeClaim>(background, "default", "later", client::PatchType::Merge, bound);
    EXPECT_TRUE(patched.has_value()) << (patched ? "" : patched.error().message);
    const std::string where = co_await node_of(&world, "early");
    EXPECT_EQ(where, "one");
  });
}

// A scheduler that starts anew finds what its predecessor has bound.
TEST(SchedulerSimulation, RestartsWithoutMemory) {
  with_world([](World& world) -> rt::Task<void> {
    Node one = node("one", "1");
    co_await create(&world, std::move(one));
    Pod first = pod("first", "800m");
    co_await create(&world, std::move(first));
    std::string where = co_await node_of(&world, "first");
    EXPECT_EQ(where, "one");
    co_await world.scheduler->stop();
    Pod second = pod("second", "800m");
    co_await create(&world, std::move(second));
    world.start_scheduler();
    const std::string why = co_await rejection_of(&world, "second");
    EXPECT_TRUE(why.starts_with("False Unschedulable: 0/1 nodes are available: 1 Insufficient cpu.")) << why;
    client::DeleteOptions at_once;
    at_once.grace_period_seconds = 0;
    auto removed = co_await world.client->remove<Pod>(background, "default", "first", std::move(at_once));
    EXPECT_TRUE(removed.has_value());
    where = co_await node_of(&world, "second");
    EXPECT_EQ(where, "one");
  });
}

}  // namespace
}  // namespace pintle::scheduler

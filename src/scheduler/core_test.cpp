// The scheduler against an API server that does what the test says.
#include "scheduler/core.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>

#include "api/gen/storage_v1.h"
#include "scheduler/testing/world.h"

namespace pintle::scheduler {
namespace {

using api::core_v1::PersistentVolumeClaim;
using client::testing::FakeServer;
using std::chrono::milliseconds;
using testing::in_world;
using testing::World;

// Its room and ports are free again: who waits for them must hear of it.
TEST(SchedulerCore, ABindingThatFailsLetsOthersIn) {
  for (const bool by_port : {false, true})
    in_world([by_port](World& world) -> rt::Task<void> {
      world.add_node("n");
      world.on_binding = [](const Pod& pod) { return pod.metadata.name == "first" ? 403 : 200; };
      const int64_t milli_cpu = by_port ? 100 : 700;
      const std::function<void(Pod&)> with_port = [by_port](Pod& pod) {
        if (by_port) pod.spec.containers[0].ports.emplace_back().host_port = 80;
      };
      world.add_pod("first", milli_cpu, with_port);
      world.add_pod("second", milli_cpu, with_port);
      world.start();
      EXPECT_EQ(co_await world.node_of("second"), "n") << by_port;
    });
}

TEST(SchedulerCore, EachProfileSchedulesThePodsThatNameIt) {
  in_world([](World& world) -> rt::Task<void> {
    world.add_node("n1");
    world.add_pod("a", 100);
    world.add_pod("b", 100, [](Pod& pod) { pod.spec.scheduler_name = "other"; });
    world.add_pod("c", 100, [](Pod& pod) { pod.spec.scheduler_name = "nobody"; });
    config::SchedulerConfig config = config::default_config();
    config.profiles.push_back(config.profiles.front());
    config.profiles.back().scheduler_name = "other";
    world.start(std::move(config));
    EXPECT_EQ(co_await world.node_of("a"), "n1");
    EXPECT_EQ(co_await world.node_of("b"), "n1");
    EXPECT_EQ(world.pods.at("c").spec.node_name, "");
  });
}

TEST(SchedulerCore, APodThatGoesUnseenLeavesItsRoom) {
  in_world([](World& world) -> rt::Task<void> {
    world.add_node("n");
    world.shows_nodes = false;  // the watch is lost before it tells of the binding
    const Pod ghost = world.add_pod("ghost", 700);
    world.start();
    EXPECT_EQ(co_await world.node_of("ghost"), "n");
    world.add_pod("next", 700);
    (void)co_await rt::sleep_for(rt::Context::background(), std::chrono::seconds(5));
    EXPECT_TRUE(world.pods.at("next").spec.node_name.empty());
    world.server.remove_unseen(ghost);
    EXPECT_EQ(co_await world.node_of("next"), "n");
  });
}

void use_claim(Pod& pod, const std::string& claim, int32_t priority) {
  pod.spec.priority = priority;
  auto& volume = pod.spec.volumes.emplace_back();
  volume.name = "data";
  volume.persistent_volume_claim.emplace().claim_name = claim;
}

rt::Task<void> with_claim(World& world) {
  PersistentVolumeClaim claim;
  claim.metadata.name = claim.metadata.uid = "single";
  claim.metadata.namespace_ = "default";
  claim.metadata.annotations["pv.kubernetes.io/bind-completed"] = "yes";
  claim.spec.volume_name = "disk";
  claim.spec.access_modes = {"ReadWriteOncePod"};
  world.server.put(claim);
  api::core_v1::PersistentVolume disk;
  disk.metadata.name = "disk";
  world.server.put(disk);
  world.add_node("a");
  world.add_node("b");
  world.add_pod("user", 100, [](Pod& pod) { use_claim(pod, "single", 0); });
  world.start();
  EXPECT_NE(co_await world.node_of("user"), "");
}

TEST(SchedulerCore, AClaimOfOnePodIsTakenOnEveryNode) {
  in_world([](World& world) -> rt::Task<void> {
    co_await with_claim(world);
    world.add_pod("equal", 100, [](Pod& pod) { use_claim(pod, "single", 0); });
    EXPECT_EQ(co_await world.node_of("equal"), "");
    const auto told = world.server.written("PATCH", "/pods/equal/status");
    constexpr std::string_view why =
        "2 node(s) unavailable due to PersistentVolumeClaim with ReadWriteOncePod access mode already in-use by another pod";
    const std::string_view message = told.empty() ? std::string_view() : told[0].body.view();
    EXPECT_NE(message.find(why), std::string_view::npos) << message;
    world.server.remove(world.pods.at("user"));
    EXPECT_NE(co_await world.node_of("equal"), "");
  });
}

TEST(SchedulerCore, AnUrgentPodEndsTheUserOfItsClaim) {
  in_world([](World& world) -> rt::Task<void> {
    co_await with_claim(world);
    world.add_pod("urgent", 100, [](Pod& pod) { use_claim(pod, "single", 10); });
    EXPECT_NE(co_await world.node_of("urgent"), "");
    EXPECT_EQ(world.server.written("DELETE", "/pods/user").size(), 1u);
  });
}

// A volume that nobody makes holds up its own pod alone, and for no longer than the pod is there.
TEST(SchedulerCore, PodsThatWaitForVolumesStopNobody) {
  in_world([](World& world) -> rt::Task<void> {
    constexpr int waiting = 130;
    api::storage_v1::StorageClass slow;
    slow.metadata.name = "slow";
    slow.provisioner = "example.com/slow";
    slow.volume_binding_mode = "WaitForFirstConsumer";
    world.server.put(slow);
    for (int i = 0; i < 20; ++i) world.add_node("n" + std::to_string(i));
    for (int i = 0; i < waiting; ++i) {
      PersistentVolumeClaim claim;
      claim.metadata.name = claim.metadata.uid = "claim" + std::to_string(i);
      claim.metadata.namespace_ = "default";
      claim.spec.storage_class_name = "slow";
      claim.spec.access_modes = {"ReadWriteOnce"};
      world.server.put(claim);
      world.add_pod("p" + std::to_string(i), 1, [&](Pod& pod) { use_claim(pod, claim.metadata.name, 10); });
    }
    world.start();
    (void)co_await rt::sleep_for(rt::Context::background(), std::chrono::seconds(5));
    EXPECT_TRUE(world.has_sample("scheduler_goroutines{operation=\"binding\"} 130")) << world.registry.write();
    world.add_pod("plain", 1);
    EXPECT_NE(co_await world.node_of("plain"), "");
    for (int i = 0; i < waiting; ++i) world.server.remove(world.pods.at("p" + std::to_string(i)));
    (void)co_await rt::sleep_for(rt::Context::background(), std::chrono::seconds(5));
    EXPECT_TRUE(world.has_sample("scheduler_goroutines{operation=\"binding\"} 0")) << world.registry.write();
    EXPECT_TRUE(world.has_sample("scheduler_cache_size{type=\"assumed_pods\"} 0")) << world.registry.write();
  });
}

// Others learn of the node before a binding that takes its time; one that has nothing to wait for says it once.
TEST(SchedulerCore, ANodeIsNominatedBeforeWorkThatTakesTime) {
  in_world([](World& world) -> rt::Task<void> {
    api::storage_v1::StorageClass slow;
    slow.metadata.name = "slow";
    slow.provisioner = "example.com/slow";
    slow.volume_binding_mode = "WaitForFirstConsumer";
    world.server.put(slow);
    world.add_node("n");
    PersistentVolumeClaim claim;
    claim.metadata.name = claim.metadata.uid = "claim";
    claim.metadata.namespace_ = "default";
    claim.spec.storage_class_name = "slow";
    claim.spec.access_modes = {"ReadWriteOnce"};
    world.server.put(claim);
    world.add_pod("waiting", 1, [](Pod& pod) { use_claim(pod, "claim", 0); });
    world.add_pod("plain", 1);
    world.start();
    EXPECT_EQ(co_await world.node_of("plain"), "n");
    (void)co_await rt::sleep_for(rt::Context::background(), std::chrono::seconds(5));
    const auto told = world.server.written("PATCH", "/pods/waiting/status");
    EXPECT_EQ(told.size(), 1u);
    if (!told.empty()) {
      EXPECT_EQ(told[0].body.view(), R"({"metadata":{"uid":"waiting"},"status":{"nominatedNodeName":"n"}})");
    }
    EXPECT_TRUE(world.server.written("PATCH", "/pods/plain/status").empty());
    // Ten minutes later nobody has made the volume: the node is no longer meant.
    (void)co_await rt::sleep_for(rt::Context::background(), std::chrono::minutes(11));
    const auto later = world.server.written("PATCH", "/pods/waiting/status");
    EXPECT_TRUE(std::ranges::any_of(
        later, [](const auto& write) { return write.body.view().find(R"("nominatedNodeName":null)") != std::string_view::npos; }));
  });
}

// What a slow server has yet to be told of a failure comes before the binding, not after it.
TEST(SchedulerCore, ABindingFollowsWhatWasSaidBefore) {
  in_world([](World& world) -> rt::Task<void> {
    world.server.delay = [](const FakeServer::Write& write) {
      return write.method == "PATCH" ? rt::Duration(std::chrono::seconds(3)) : rt::Duration(0);
    };
    world.add_node("n");
    world.add_pod("large", 1500);
    world.start();
    (void)co_await rt::sleep_for(rt::Context::background(), milliseconds(100));
    world.add_node("larger", 2000);
    EXPECT_EQ(co_await world.node_of("large"), "larger");
    std::string order;
    for (const auto& write : world.server.writes)
      if (write.path.find("/pods/large/") != std::string::npos) order += write.method + " ";
    EXPECT_EQ(order, "PATCH POST ");
  });
}

TEST(SchedulerCore, APreemptionThatFailsIsTriedAgainSoon) {
  in_world([](World& world) -> rt::Task<void> {
    world.add_node("n");
    world.add_pod("victim", 700);
    world.start();
    EXPECT_EQ(co_await world.node_of("victim"), "n");
    int refused = 0;
    world.on_eviction = [&refused](const Pod&) { return ++refused == 1 ? 500 : 200; };
    world.add_pod("urgent", 700, [](Pod& pod) { pod.spec.priority = 10; });
    EXPECT_EQ(co_await world.node_of("urgent"), "n");
    EXPECT_EQ(refused, 2);
  });
}

// The end of one victim does not send it looking for others.
TEST(SchedulerCore, APodWaitsForAllOfItsVictims) {
  in_world([](World& world) -> rt::Task<void> {
    for (const char* name : {"n1", "n2", "n3"}) world.add_node(name);
    for (int i = 0; i < 9; ++i) world.add_pod("low" + std::to_string(i), 300);
    world.start();
    for (int i = 0; i < 9; ++i) EXPECT_NE(co_await world.node_of("low" + std::to_string(i)), "");
    int evicted = 0;
    world.on_eviction = [&evicted](const Pod&) {
      ++evicted;
      return 200;
    };
    world.add_pod("urgent", 900, [](Pod& pod) { pod.spec.priority = 10; });
    EXPECT_NE(co_await world.node_of("urgent"), "");
    (void)co_await rt::sleep_for(rt::Context::background(), std::chrono::seconds(30));
    EXPECT_EQ(evicted, 3);
  });
}

// A pod is nominated to n1, which another pod could have; it may not go to n2 as long as that is tainted.
void check_nomination_ends(const std::function<void(World& world, Pod& hopeful, Node& elsewhere)>& end) {
  in_world([&end](World& world) -> rt::Task<void> {
    Node elsewhere;
    for (const char* name : {"n1", "n2"}) {
      world.add_node(name);
      elsewhere.metadata.name = elsewhere.metadata.uid = name;
    }
    elsewhere.status.allocatable = {{"cpu", api::Quantity::from_milli(1000)}, {"pods", api::Quantity::from_int(10)}};
    auto& taint = elsewhere.spec.taints.emplace_back();
    taint.key = "only";
    taint.effect = "NoSchedule";
    world.server.put(elsewhere);
    world.add_pod("guest", 500, [](Pod& pod) {
      pod.spec.node_name = "n1";
      pod.spec.priority = 20;
    });
    Pod& hopeful = world.add_pod("hopeful", 700, [](Pod& pod) {
      pod.spec.priority = 10;
      pod.spec.preemption_policy = "Never";
      pod.status.nominated_node_name = "n1";
    });
    world.add_pod("waits", 300, [](Pod& pod) {
      pod.spec.tolerations.emplace_back().operator_ = "Exists";
      auto& terms = pod.spec.affinity.emplace().node_affinity.emplace().required_during_scheduling_ignored_during_execution.emplace();
      auto& field = terms.node_selector_terms.emplace_back().match_fields.emplace_back();
      field.key = "metadata.name";
      field.operator_ = "In";
      field.values = {"n1"};
    });
    world.start();
    (void)co_await rt::sleep_for(rt::Context::background(), std::chrono::seconds(30));
    EXPECT_EQ(world.pods.at("waits").spec.node_name, "");
    end(world, hopeful, elsewhere);
    EXPECT_EQ(co_await world.node_of("waits"), "n1");
  });
}

TEST(SchedulerCore, TheEndOfANominationWakesThoseWhoCouldHaveTheNode) {
  check_nomination_ends([](World& world, Pod& hopeful, Node&) {  // bound elsewhere by another
    hopeful.spec.node_name = "n2";
    world.server.put(hopeful);
  });
  check_nomination_ends([](World& world, Pod&, Node& elsewhere) {  // bound elsewhere by this scheduler
    elsewhere.spec.taints.clear();
    world.server.put(elsewhere);
  });
  check_nomination_ends([](World& world, Pod& hopeful, Node&) {  // it hopes for another node
    hopeful.status.nominated_node_name = "n2";
    world.server.put(hopeful);
  });
  check_nomination_ends([](World& world, Pod& hopeful, Node&) {  // for none
    hopeful.status.nominated_node_name = "";
    world.server.put(hopeful);
  });
}

TEST(SchedulerCore, CountsItsBindings) {
  in_world([](World& world) -> rt::Task<void> {
    world.add_node("n");
    world.on_binding = [&world](const Pod&) {
      EXPECT_TRUE(world.has_sample("scheduler_goroutines{operation=\"binding\"} 1")) << world.registry.write();
      return 200;
    };
    world.add_pod("a", 100);
    world.start();
    EXPECT_EQ(co_await world.node_of("a"), "n");
    (void)co_await rt::sleep_for(rt::Context::background(), std::chrono::seconds(1));
    EXPECT_TRUE(world.has_sample("scheduler_goroutines{operation=\"binding\"} 0")) << world.registry.write();
    EXPECT_TRUE(world.has_sample("scheduler_cache_size{type=\"pods\"} 1")) << world.registry.write();
  });
}

}  // namespace
}  // namespace pintle::scheduler

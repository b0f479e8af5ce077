// What happens to nodes and pods reaches the set's ledger: each step is seen by what the controller writes.
#include "controller/daemonset/controller.h"

#include <gtest/gtest.h>

#include "codec/json.h"
#include "controller/daemonset/plan.h"
#include "controller/testing.h"

namespace pintle::controller::daemonset {
namespace {

using api::core_v1::Node;
using api::core_v1::Pod;
using testing::World;

// A server that makes, adopts, lets go and deletes pods, and keeps statuses.
struct Cluster {
  World& world;
  std::map<std::string, Pod> pods;
  DaemonSet set;
  int made = 0;

  explicit Cluster(World& of) : world(of) {
    set.metadata.name = set.metadata.uid = "ds";
    set.metadata.namespace_ = "default";
    set.metadata.generation = 1;
    set.spec.selector.ensure().match_labels["app"] = "ds";
    set.spec.template_.metadata.labels["app"] = "ds";
    set.spec.template_.spec.node_selector["disk"] = "ssd";
    set.spec.update_strategy.type = "OnDelete";
    world.server.on_write = [this](const client::testing::FakeServer::Write& write) { return on_write(write); };
  }
  int on_write(const client::testing::FakeServer::Write& write) {
    const std::string name = write.path.substr(write.path.rfind('/') + 1);
    if (write.method == "POST" && write.path.ends_with("/pods")) {
      Pod pod = write.as<Pod>();
      pod.metadata.name = pod.metadata.uid = "p" + std::to_string(made++);
      put(std::move(pod));
    } else if (write.method == "DELETE" && pods.contains(name)) {
      remove(name);
    } else if (write.method == "PATCH" && write.path.contains("/pods/")) {
      Pod pod = pods.at(name);
      const bool release = write.body.view().contains("$patch");
      pod.metadata.owner_references.clear();
      if (!release) pod.metadata.owner_references.push_back(rules::controller_reference("apps/v1", "DaemonSet", set.metadata));
      put(std::move(pod));
    } else if (write.method == "PUT" && write.path.ends_with("/daemonsets/ds/status")) {
      set = write.as<DaemonSet>();
      world.server.put(set);
    } else if (write.method == "POST" && write.path.ends_with("/controllerrevisions")) {
      auto revision = write.as<api::apps_v1::ControllerRevision>();
      revision.metadata.uid = revision.metadata.name;
      world.server.put(revision);
    }
    return 200;
  }
  void put(Pod pod) {
    pods[pod.metadata.name] = pod;
    world.server.put(pod);
  }
  void remove(const std::string& name) {
    world.server.remove(pods.at(name));
    pods.erase(name);
  }
  void put_node(const std::string& name, const std::string& disk) {
    Node node;
    node.metadata.name = node.metadata.uid = name;
    node.metadata.labels["disk"] = disk;
    world.server.put(node);
  }
  // "NODE=POD", of those that the set owns.
  std::string owned() const {
    std::string out;
    for (const auto& [name, pod] : pods)
      if (rules::controller_of(pod.metadata) != nullptr) out += (out.empty() ? "" : " ") + target_node(pod) + "=" + name;
    return out;
  }
  std::string status() const {
    const auto& s = set.status;
    return std::to_string(s.desired_number_scheduled) + " " + std::to_string(s.current_number_scheduled) + " " +
           std::to_string(s.number_misscheduled);
  }
};

void check(const Cluster& cluster, const std::string& owned, const std::string& status) {
  EXPECT_EQ(cluster.owned(), owned);
  EXPECT_EQ(cluster.status(), status);
}

TEST(DaemonSetController, FollowsNodesAndPods) {
  testing::in_world([](World& world) -> rt::Task<void> {
    Cluster cluster(world);
    world.server.put(cluster.set);
    cluster.put_node("n1", "ssd");
    cluster.put_node("n2", "hdd");
    co_await world.start(make_daemonset_controller);
    co_await testing::pass(std::chrono::seconds(2));
    check(cluster, "n1=p0", "1 1 0");
    cluster.put_node("n3", "ssd");
    co_await testing::pass(std::chrono::seconds(2));
    check(cluster, "n1=p0 n3=p1", "2 2 0");
    cluster.put_node("n2", "ssd");
    co_await testing::pass(std::chrono::seconds(2));
    check(cluster, "n1=p0 n3=p1 n2=p2", "3 3 0");
    cluster.put_node("n1", "hdd");
    co_await testing::pass(std::chrono::seconds(2));
    check(cluster, "n3=p1 n2=p2", "2 2 0");
    cluster.remove("p1");
    co_await testing::pass(std::chrono::seconds(2));
    check(cluster, "n2=p2 n3=p3", "2 2 0");
    Node gone;
    gone.metadata.name = "n3";
    world.server.remove(gone);
    co_await testing::pass(std::chrono::seconds(2));
    check(cluster, "n2=p2", "1 1 0");  // it was not bound yet
    const std::size_t writes = world.server.writes.size();
    co_await testing::pass(std::chrono::minutes(10));
    EXPECT_EQ(world.server.writes.size(), writes);
  });
}

TEST(DaemonSetController, TakesInAndLetsGo) {
  testing::in_world([](World& world) -> rt::Task<void> {
    Cluster cluster(world);
    world.server.put(cluster.set);
    cluster.put_node("n1", "ssd");
    Pod orphan;
    orphan.metadata.name = orphan.metadata.uid = "orphan";
    orphan.metadata.namespace_ = "default";
    orphan.metadata.labels["app"] = "ds";
    orphan.spec.node_name = "n1";
    cluster.put(orphan);
    co_await world.start(make_daemonset_controller);
    co_await testing::pass(std::chrono::seconds(2));
    check(cluster, "n1=orphan", "1 1 0");  // none is made beside it
    Pod let_go = cluster.pods.at("orphan");
    let_go.metadata.labels["app"] = "other";
    cluster.put(let_go);
    co_await testing::pass(std::chrono::seconds(2));
    check(cluster, "n1=p0", "1 1 0");
    cluster.remove("p0");
    let_go = cluster.pods.at("orphan");
    let_go.metadata.labels["app"] = "ds";
    cluster.put(let_go);
    co_await testing::pass(std::chrono::seconds(2));
    EXPECT_EQ(cluster.pods.size(), 1u + cluster.pods.contains("p1"));  // whichever came first, and one of them alone is kept
    EXPECT_EQ(cluster.status(), "1 1 0");
  });
}

// A node's pod fails again and again: it is replaced after ever longer waits.
TEST(DaemonSetController, PodsThatFailWait) {
  testing::in_world([](World& world) -> rt::Task<void> {
    Cluster cluster(world);
    world.server.put(cluster.set);
    cluster.put_node("n1", "ssd");
    co_await world.start(make_daemonset_controller);
    for (int i = 0; i < 120; ++i) {
      co_await testing::pass(std::chrono::seconds(1));
      if (cluster.pods.empty() || cluster.pods.begin()->second.status.phase == "Failed") continue;
      Pod pod = cluster.pods.begin()->second;
      pod.status.phase = "Failed";
      cluster.put(std::move(pod));
    }
    EXPECT_GE(cluster.made, 5);
    EXPECT_LE(cluster.made, 10);
  });
}

}  // namespace
}  // namespace pintle::controller::daemonset

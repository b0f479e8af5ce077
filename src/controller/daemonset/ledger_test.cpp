#include "controller/daemonset/ledger.h"

#include <gtest/gtest.h>

#include <random>

#include "controller/testing/text_objects.h"

namespace pintle::controller::daemonset {
namespace {

using namespace testing;
using api::core_v1::Node;

DaemonSet set_of(const std::string& spec) {
  DaemonSet set;
  set.metadata.name = "ds";
  set.metadata.uid = "d";
  set.spec = from_yaml<api::apps_v1::DaemonSetSpec>(spec);
  return set;
}

// A cluster that does what plans say: what is made is pending at first, what is deleted goes a little later.
struct Cluster {
  std::map<std::string, NodePtr> nodes;
  std::map<std::string, pods::PodPtr> pods;
  rt::Duration time = std::chrono::hours(1);
  int made = 0;

  void put_node(const std::string& name, const std::string& taint = "") {
    Node node;
    node.metadata.name = name;
    if (!taint.empty()) {
      auto& one = node.spec.taints.emplace_back();
      one.key = "k";
      one.effect = taint;
    }
    nodes[name] = std::make_shared<const Node>(std::move(node));
  }
  // In words of text_objects.h; its node.
  std::string put_pod(const std::string& text) {
    auto pod = std::make_shared<const api::core_v1::Pod>(pod_of(text));
    pods[pod->metadata.name] = pod;
    return target_node(*pod);
  }
  Observed observe(const DaemonSet& set) const {
    const auto node_named = [this](const std::string& name) { return nodes.contains(name) ? nodes.at(name) : nullptr; };
    const auto pods_for = [this](const std::string& name) {
      std::vector<pods::PodPtr> out;
      for (const auto& [key, pod] : pods)
        if (target_node(*pod) == name) out.push_back(pod);
      return out;
    };
    const auto failure_wait = [](const std::string& name) { return name == "n3" ? std::chrono::seconds(5) : rt::Duration::zero(); };
    return {set, "new", rt::TimePoint(time), plan_time + time, node_named, pods_for, failure_wait};
  }
  // Of a ledger that knows nothing yet.
  Plan plan_anew(const DaemonSet& set) const {
    Ledger ledger(set, false);
    for (const auto& [name, node] : nodes) ledger.mark(name);
    for (const auto& [name, pod] : pods) ledger.mark(target_node(*pod));
    return ledger.round(observe(set));
  }
};

std::string text_of(const Plan& plan) {
  Words out;
  out.add("create", plan.create);
  std::vector<std::string> removed;
  for (const Removal& removal : plan.remove) removed.push_back(removal.pod->metadata.name + removal.event);
  std::ranges::sort(removed);
  out.add("remove", removed);
  out.add_seconds("again", plan.look_again);
  const auto& s = plan.status;
  for (const int32_t count : {s.desired_number_scheduled, s.current_number_scheduled, s.number_ready, s.number_available, s.number_unavailable,
                              s.updated_number_scheduled, s.number_misscheduled})
    out.add(std::to_string(count));
  return out.text();
}

// Whatever happens, and however little of it each round looks at: it plans what one would that looks at everything.
void check_history(const std::string& spec, unsigned seed) {
  const DaemonSet set = set_of(spec);
  Cluster cluster;
  Ledger ledger(set, false);
  std::mt19937 random(seed);
  const auto draw = [&](int below) { return static_cast<int>(random() % static_cast<unsigned>(below)); };
  const char* states[] = {"pending", "ready=1", "ready=100", "unready", "failed", "succeeded", "ready=100 deleted", "failed deleted"};
  for (int step = 0; step < 400; ++step) {
    for (int i = draw(3); i >= 0; --i) {
      const std::string node = "n" + std::to_string(draw(6));
      switch (draw(6)) {
        case 0:
          cluster.put_node(node, draw(3) == 0 ? (draw(2) == 0 ? "NoSchedule" : "NoExecute") : "");
          ledger.mark(node);
          break;
        case 1:
          if (draw(3) == 0) cluster.nodes.erase(node);
          ledger.mark(node);
          break;
        case 2:
          if (!cluster.pods.empty()) {
            const auto it = std::next(cluster.pods.begin(), draw(static_cast<int>(cluster.pods.size())));
            ledger.mark(target_node(*it->second));
            cluster.pods.erase(it);
          }
          break;
        default: {
          const std::string name = "p" + std::to_string(draw(10));
          if (cluster.pods.contains(name)) ledger.mark(target_node(*cluster.pods.at(name)));
          const std::string where = draw(8) == 0 ? "" : " @" + node;
          ledger.mark(
              cluster.put_pod(name + where + " " + states[draw(8)] + " age=" + std::to_string(draw(50)) + " rev=" + (draw(2) == 0 ? "new" : "old")));
        }
      }
    }
    cluster.time += std::chrono::seconds(draw(4) == 0 ? 20 : 0);
    const Plan want = cluster.plan_anew(set);
    ASSERT_EQ(text_of(ledger.round(cluster.observe(set))), text_of(want)) << spec << ", seed " << seed << ", step " << step;
  }
}

TEST(DaemonSetLedger, PlansAsIfItLookedAtEverything) {
  const std::string roll = "{minReadySeconds: 30, updateStrategy: {type: RollingUpdate, rollingUpdate: ";
  for (unsigned seed = 1; seed <= 5; ++seed) {
    check_history("{updateStrategy: {type: OnDelete}}", seed);
    check_history("{updateStrategy: {type: RollingUpdate}}", seed);
    check_history(roll + "{maxUnavailable: 2}}}", seed);
    check_history(roll + "{maxUnavailable: 0, maxSurge: 1}}}", seed);
    check_history(roll + "{maxUnavailable: 0, maxSurge: '50%'}}}", seed);  // of no node at all: none surges
  }
}

// What an event costs does not grow with the nodes.
TEST(DaemonSetLedger, LooksAtWhatChangedAlone) {
  const DaemonSet set = set_of("{updateStrategy: {type: RollingUpdate}}");
  for (const int nodes : {10, 2000}) {
    Cluster cluster;
    Ledger ledger(set, false);
    for (int i = 0; i < nodes; ++i) {
      const std::string name = "n" + std::to_string(i);
      cluster.put_node(name);
      ledger.mark(name);
    }
    std::map<std::string, pods::PodPtr> by_node;  // Cluster looks at all of its pods
    Observed seen = cluster.observe(set);
    seen.pods_for = [&](const std::string& name) {
      const auto it = by_node.find(name);
      return it == by_node.end() ? std::vector<pods::PodPtr>() : std::vector<pods::PodPtr>{it->second};
    };
    for (int round = 0; round < 100; ++round) {
      const Plan plan = ledger.round(seen);
      if (plan.create.empty()) break;
      EXPECT_LE(plan.create.size(), static_cast<std::size_t>(burst_max));
      EXPECT_EQ(plan.status.desired_number_scheduled, nodes);
      for (const std::string& name : plan.create)
        by_node[name] = std::make_shared<const api::core_v1::Pod>(pod_of("p-" + name + " @" + name + " ready rev=new"));
    }
    EXPECT_EQ(by_node.size(), static_cast<std::size_t>(nodes));
    EXPECT_EQ(ledger.looks(), static_cast<uint64_t>(2 * nodes));  // without its pod, and with it
    ledger.mark("n7");
    EXPECT_EQ(ledger.round(seen).status.number_ready, nodes);
    EXPECT_EQ(ledger.looks(), static_cast<uint64_t>(2 * nodes + 1));
    EXPECT_TRUE(ledger.marked().empty());
    EXPECT_EQ(ledger.hashes(), std::vector<std::string>{"new"});
  }
}

TEST(DaemonSetLedger, WhichNodesConcernIt) {
  const DaemonSet set = set_of("{template: {spec: {nodeSelector: {disk: ssd}}}}");
  Cluster cluster;
  Ledger ledger(set, false);
  Node node;
  node.metadata.name = "n1";
  const auto concerned = [&] { return ledger.is_concerned(node); };
  EXPECT_TRUE(concerned());
  cluster.nodes["n1"] = std::make_shared<const Node>(node);
  ledger.mark("n1");
  ledger.round(cluster.observe(set));
  EXPECT_FALSE(concerned());
  node.metadata.labels["other"] = "label";
  EXPECT_FALSE(concerned());
  node.metadata.labels["disk"] = "ssd";
  EXPECT_TRUE(concerned());
  cluster.nodes.clear();
  ledger.mark("n1");
  ledger.round(cluster.observe(set));
  EXPECT_FALSE(ledger.knows("n1"));
}

}  // namespace
}  // namespace pintle::controller::daemonset

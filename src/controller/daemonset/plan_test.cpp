#include "controller/daemonset/plan.h"

#include <gtest/gtest.h>

#include "controller/daemonset/ledger.h"
#include "controller/testing/text_objects.h"

namespace pintle::controller::daemonset {
namespace {

using namespace testing;
using api::core_v1::Node;

// "n1, n2 disk=ssd, n3 taint=dedicated:NoSchedule"
std::vector<NodePtr> nodes_of(const std::string& text) {
  std::vector<NodePtr> out;
  for (const std::string& one : split(text, ',')) {
    const auto words = split(one, ' ');
    Node node;
    node.metadata.name = words[0];
    for (std::size_t i = 1; i < words.size(); ++i) {
      const std::string key = words[i].substr(0, words[i].find('=')), value = words[i].substr(words[i].find('=') + 1);
      if (key == "taint") {
        auto& taint = node.spec.taints.emplace_back();
        taint.key = value.substr(0, value.find(':'));
        taint.effect = value.substr(value.find(':') + 1);
      } else {
        node.metadata.labels[key] = value;
      }
    }
    out.push_back(std::make_shared<const Node>(std::move(node)));
  }
  return out;
}

DaemonSet set_of(const std::string& spec) {
  DaemonSet set;
  set.metadata.name = "ds";
  set.metadata.namespace_ = "default";
  set.metadata.uid = "d";
  set.metadata.generation = 7;
  set.spec = from_yaml<api::apps_v1::DaemonSetSpec>(spec);
  return set;
}

// `waiting`: the nodes whose failed pods are not to be replaced for 5 seconds yet.
Plan plan_of(const DaemonSet& set, const std::string& nodes, const std::string& pods, const std::set<std::string>& waiting = {}) {
  std::map<std::string, NodePtr> by_name;
  for (const NodePtr& node : nodes_of(nodes)) by_name[node->metadata.name] = node;
  std::map<std::string, std::vector<pods::PodPtr>> by_node;
  for (const pods::PodPtr& pod : pods_of(pods)) by_node[target_node(*pod)].push_back(pod);
  Ledger ledger(set, false);
  for (const auto& [name, node] : by_name) ledger.mark(name);
  for (const auto& [name, on_it] : by_node) ledger.mark(name);
  const auto node_named = [&](const std::string& name) { return by_name.contains(name) ? by_name.at(name) : nullptr; };
  const auto pods_for = [&](const std::string& name) { return by_node.contains(name) ? by_node.at(name) : std::vector<pods::PodPtr>(); };
  const auto failure_wait = [&](const std::string& name) { return waiting.contains(name) ? std::chrono::seconds(5) : rt::Duration::zero(); };
  return ledger.round({set, "new", rt::TimePoint(std::chrono::hours(1)), plan_time, node_named, pods_for, failure_wait});
}

// "create(n1) remove(a:FailedDaemonPod b) again(20s)"; the template's hash is "new".
std::string actions(const Plan& plan) {
  Words out;
  out.add("create", plan.create);
  std::vector<std::string> removed;
  for (const Removal& removal : plan.remove) removed.push_back(removal.pod->metadata.name + (removal.event.empty() ? "" : ":" + removal.event));
  out.add("remove", removed);
  out.add_seconds("again", plan.look_again);
  return out.text();
}
void check(const std::string& spec, const std::string& nodes, const std::string& pods, const std::string& want,
           const std::set<std::string>& waiting = {}) {
  EXPECT_EQ(actions(plan_of(set_of(spec), nodes, pods, waiting)), want) << spec << " on " << nodes << " with " << pods;
}

// "desired current ready available unavailable updated misscheduled"
void check_status(const std::string& spec, const std::string& nodes, const std::string& pods, const std::string& want) {
  const auto status = plan_of(set_of(spec), nodes, pods).status;
  Words out;
  for (const int32_t count : {status.desired_number_scheduled, status.current_number_scheduled, status.number_ready, status.number_available,
                              status.number_unavailable, status.updated_number_scheduled, status.number_misscheduled})
    out.add(std::to_string(count));
  EXPECT_EQ(out.text(), want) << spec << " on " << nodes << " with " << pods;
  EXPECT_EQ(status.observed_generation, 7);
}

const std::string roll = "{updateStrategy: {type: RollingUpdate, rollingUpdate: {maxUnavailable: ";
const std::string surge = "{updateStrategy: {type: RollingUpdate, rollingUpdate: {maxUnavailable: 0, maxSurge: ";

TEST(DaemonSetPlan, OnePodOnEachNode) {
  check("{}", "n1, n2", "", "create(n1 n2)");
  check("{}", "n1, n2", "a @n1 ready rev=new", "create(n2)");
  check("{}", "n1, n2", "a @n1 ready rev=new, b @n2 pending rev=new", "");
  check("{}", "", "", "");
  check("{}", "n1", "a @n1 ready rev=new age=100, b @n1 ready rev=new age=50", "remove(b)");  // the oldest stays
  check("{}", "n1", "a @n1 ready rev=new deleted", "");                                       // its place is taken until it has gone
}

TEST(DaemonSetPlan, WhereItRuns) {
  check("{template: {spec: {nodeSelector: {disk: ssd}}}}", "n1 disk=ssd, n2 disk=hdd, n3", "", "create(n1)");
  check("{template: {spec: {nodeName: n2}}}", "n1, n2", "", "create(n2)");
  check(
      "{template: {spec: {affinity: {nodeAffinity: {requiredDuringSchedulingIgnoredDuringExecution: {nodeSelectorTerms: "
      "[{matchExpressions: [{key: disk, operator: Exists}]}]}}}}}}",
      "n1 disk=hdd, n2", "", "create(n1)");
  check("{template: {spec: {nodeSelector: {disk: ssd}}}}", "n1 disk=ssd, n2", "a @n1 ready rev=new, b @n2 ready rev=new", "remove(b)");
}

TEST(DaemonSetPlan, Taints) {
  const std::string tainted = "n1 taint=dedicated:NoSchedule, n2 taint=dedicated:NoExecute, n3 taint=dedicated:PreferNoSchedule";
  check("{}", tainted, "", "create(n3)");
  check("{template: {spec: {tolerations: [{key: dedicated, operator: Exists}]}}}", tainted, "", "create(n1 n2 n3)");
  check("{}", tainted, "a @n1 ready rev=new, b @n2 ready rev=new, c @n3 ready rev=new", "remove(b)");  // NoSchedule lets it stay
  // What a node's own troubles say does not keep daemons off.
  check("{}",
        "n1 taint=node.kubernetes.io/not-ready:NoExecute, n2 taint=node.kubernetes.io/unreachable:NoExecute, "
        "n3 taint=node.kubernetes.io/disk-pressure:NoSchedule, n4 taint=node.kubernetes.io/memory-pressure:NoSchedule, "
        "n5 taint=node.kubernetes.io/pid-pressure:NoSchedule, n6 taint=node.kubernetes.io/unschedulable:NoSchedule",
        "", "create(n1 n2 n3 n4 n5 n6)");
  check("{}", "n1 taint=node.kubernetes.io/network-unavailable:NoSchedule", "", "");
  check("{template: {spec: {hostNetwork: true}}}", "n1 taint=node.kubernetes.io/network-unavailable:NoSchedule", "", "create(n1)");
}

TEST(DaemonSetPlan, PodsOfNodesThatAreGone) {
  // Bound to a node that is gone: pod garbage collection's. Meant for one (not bound yet): ours.
  check("{}", "n1", "a @n1 ready rev=new, b @n9 ready rev=new, c pending rev=new", "remove(c)");
}

TEST(DaemonSetPlan, FinishedPodsAreReplaced) {
  check("{}", "n1, n2", "a @n1 failed rev=new, b @n2 succeeded rev=new", "remove(a:FailedDaemonPod b:SucceededDaemonPod)");
  check("{}", "n1", "a @n1 failed rev=new deleted", "create(n1)");  // what has ended and is on its way out holds no place
}

// A node that fails again and again holds up nobody else, and its own successor neither.
TEST(DaemonSetPlan, FailedPodsThatWait) {
  check("{}", "n1", "a @n1 failed rev=new", "again(5s)", {"n1"});
  check("{}", "n1, n2", "a @n1 failed rev=new, b @n2 failed rev=new", "remove(b:FailedDaemonPod) again(5s)", {"n1"});
  check(roll + "2}}}", "n1, n2, n3", "a @n1 failed rev=new, b @n2 ready rev=old, c @n3 ready rev=old", "remove(b) again(5s)", {"n1"});
  check(roll + "1}}}", "n1, n2, n3", "a @n1 failed rev=old, b @n2 ready rev=old, c @n3 ready rev=old", "remove(a) again(5s)", {"n1"});
  check(roll + "1}}}", "n1, n2", "a @n1 failed rev=new, b @n2 ready rev=old", "again(5s)", {"n1"});  // it is unavailable, as one may be
}

TEST(DaemonSetPlan, OnDeleteWaitsForTheUser) {
  check("{updateStrategy: {type: OnDelete}}", "n1, n2", "a @n1 ready rev=old, b @n2 ready rev=old", "");
  check("{updateStrategy: {type: OnDelete}}", "n1, n2", "a @n1 ready rev=old", "create(n2)");
}

TEST(DaemonSetPlan, RollsWithinMaxUnavailable) {
  const std::string nodes = "n1, n2, n3, n4";
  const std::string old = "a @n1 ready rev=old, b @n2 ready rev=old, c @n3 ready rev=old, d @n4 ready rev=old";
  check("{updateStrategy: {type: RollingUpdate}}", nodes, old, "remove(a)");  // one where nothing is said
  check(roll + "1}}}", nodes, old, "remove(a)");
  check(roll + "2}}}", nodes, old, "remove(a b)");
  check(roll + "'50%'}}}", nodes, old, "remove(a b)");
  check(roll + "'30%'}}}", nodes, old, "remove(a b)");  // rounded up
  check(roll + "'1%'}}}", nodes, old, "remove(a)");
  check(roll + "1}}}", nodes, "a @n1 pending rev=new, b @n2 ready rev=old, c @n3 ready rev=old, d @n4 ready rev=old", "");
  check(roll + "2}}}", nodes, "a @n1 pending rev=new, b @n2 ready rev=old, c @n3 ready rev=old, d @n4 ready rev=old", "remove(b)");
  check(roll + "1}}}", nodes, "a @n1 ready rev=new, b @n2 ready rev=old, c @n3 ready rev=old, d @n4 ready rev=old", "remove(b)");
  check(roll + "1}}}", nodes, "a @n1 ready rev=old deleted, b @n2 ready rev=old, c @n3 ready rev=old, d @n4 ready rev=old", "");
  // An old pod that serves nobody goes at once, whatever the limit.
  check(roll + "1}}}", nodes, "a @n1 ready rev=old, b @n2 pending rev=old, c @n3 pending rev=old, d @n4 ready rev=old", "remove(b c)");
  check(roll + "1}}}", nodes, "a @n1 ready rev=new, b @n2 ready rev=new, c @n3 ready rev=new, d @n4 ready rev=new", "");
  // A node without its pod comes first.
  check(roll + "4}}}", nodes, "a @n1 ready rev=old, b @n2 ready rev=old, c @n3 ready rev=old", "create(n4)");
}

TEST(DaemonSetPlan, AvailableAfterMinReadySeconds) {
  const std::string spec = "{minReadySeconds: 30, updateStrategy: {type: RollingUpdate, rollingUpdate: {maxUnavailable: 1}}}";
  check(spec, "n1, n2", "a @n1 ready=10 rev=new, b @n2 ready rev=old", "again(20s)");
  check(spec, "n1, n2", "a @n1 ready=30 rev=new, b @n2 ready rev=old", "remove(b)");
}

TEST(DaemonSetPlan, RollsWithSurge) {
  const std::string nodes = "n1, n2, n3";
  const std::string old = "a @n1 ready rev=old, b @n2 ready rev=old, c @n3 ready rev=old";
  check(surge + "1}}}", nodes, old, "create(n1)");
  check(surge + "2}}}", nodes, old, "create(n1 n2)");
  check(surge + "'34%'}}}", nodes, old, "create(n1 n2)");
  check(surge + "1}}}", nodes, old + ", a2 @n1 pending rev=new", "");
  check(surge + "2}}}", nodes, old + ", a2 @n1 pending rev=new", "create(n2)");
  check(surge + "1}}}", nodes, old + ", a2 @n1 ready rev=new", "remove(a)");
  check(surge + "1}}}", nodes, "a2 @n1 ready rev=new, b @n2 ready rev=old, c @n3 ready rev=old", "create(n2)");
  // An old one that serves nobody is no surge: its successor is made at once, and it goes.
  check(surge + "1}}}", nodes, "a @n1 pending rev=old, b @n2 pending rev=old, c @n3 ready rev=old", "create(n1 n2 n3)");
  check(surge + "1}}}", "n1", "a @n1 pending rev=old, a2 @n1 pending rev=new", "remove(a)");
  check(surge + "1}}}", "n1", "a @n1 ready rev=old deleted", "create(n1)");  // its successor need not wait for its end
  // Where the set is to run no more, an old pod serves until there are enough of the others.
  check(surge + "1}}}", "n1 taint=x:NoSchedule, n2", "a @n1 ready rev=old, b @n2 ready rev=new", "remove(a)");
  check(surge + "1}}}", "n1 taint=x:NoSchedule, n2", "a @n1 ready rev=old, b @n2 pending rev=new", "");
  check(surge + "1}}}", "n1 taint=x:NoSchedule, n2", "a @n1 pending rev=old, b @n2 pending rev=new", "remove(a)");
  // Two of a sort are one too many.
  check(surge + "1}}}", "n1", "a @n1 ready rev=old age=9, a2 @n1 pending rev=new age=8, a3 @n1 pending rev=new age=7", "remove(a3)");
}

TEST(DaemonSetPlan, StatusCounts) {
  check_status("{}", "n1, n2, n3", "a @n1 ready rev=new, b @n2 running rev=old", "3 2 1 1 2 1 0");
  check_status("{}", "n1, n2 taint=x:NoSchedule", "a @n1 ready rev=new, b @n2 ready rev=new", "1 1 1 1 0 1 1");
  check_status("{minReadySeconds: 30}", "n1, n2", "a @n1 ready=10 rev=new, b @n2 ready=40 rev=new", "2 2 2 1 1 2 0");
  check_status("{}", "", "", "0 0 0 0 0 0 0");
  check_status("{}", "n1", "a @n1 ready rev=new deleted", "1 1 1 1 0 1 0");
  check_status("{}", "n1", "a @n1 failed rev=new deleted", "1 0 0 0 1 0 0");
}

// The oldest pod of a node counts: an update is done where the new one is alone.
TEST(DaemonSetPlan, StatusWhileSurging) {
  check_status(surge + "1}}}", "n1", "a @n1 ready rev=old age=100, b @n1 pending rev=new age=10", "1 1 1 1 0 0 0");
  check_status(surge + "1}}}", "n1", "a @n1 ready rev=old age=100, b @n1 ready rev=new age=10", "1 1 1 1 0 0 0");
  check_status(surge + "1}}}", "n1", "b @n1 ready rev=old age=10, a @n1 pending rev=new age=10", "1 1 1 1 0 0 0");
  check_status(surge + "1}}}", "n1", "a @n1 running rev=old age=100, b @n1 ready rev=new age=10", "1 1 0 0 1 0 0");
  check_status(surge + "1}}}", "n1", "b @n1 pending rev=new age=10", "1 1 0 0 1 1 0");
}

// A set on its way out makes and removes nothing, but counts.
TEST(DaemonSetPlan, ADeletedSetCountsOnly) {
  DaemonSet set = set_of("{}");
  set.metadata.deletion_timestamp = ago(0);
  const Plan plan = plan_of(set, "n1, n2", "a @n1 ready rev=old");
  EXPECT_EQ(actions(plan), "");
  EXPECT_EQ(plan.status.desired_number_scheduled, 2);
}

TEST(DaemonSetPlan, NoMoreThanABurst) {
  std::string nodes;
  for (int i = 0; i < burst_max + 10; ++i) nodes += "n" + std::to_string(i) + ",";
  EXPECT_EQ(plan_of(set_of("{}"), nodes, "").create.size(), static_cast<std::size_t>(burst_max));
}

TEST(DaemonSetPlan, ThePodIsForItsNode) {
  const auto pod = make_pod(
      set_of("{template: {metadata: {labels: {app: a}}, spec: {hostNetwork: true, tolerations: [{key: mine, operator: Exists}]}}}"), "n1", "new");
  EXPECT_EQ(target_node(pod), "n1");
  EXPECT_TRUE(pod.spec.node_name.empty());  // the scheduler binds it
  EXPECT_EQ(*pod.metadata.labels.get(hash_label), "new");
  EXPECT_EQ(*pod.metadata.labels.get("app"), "a");
  EXPECT_EQ(pod.metadata.generate_name, "ds-");
  EXPECT_EQ(pod.spec.tolerations.size(), 8u);  // its own, six, and the network's
  EXPECT_EQ(target_node(pod_of("a @n2")), "n2");
  EXPECT_EQ(target_node(pod_of("a")), "");
}

}  // namespace
}  // namespace pintle::controller::daemonset

// Where a DaemonSet's pods belong.
#include <gtest/gtest.h>

#include "controller/daemonset/plan.h"

namespace pintle::controller::daemonset {
namespace {

using api::core_v1::Node;

DaemonSet tolerating(const std::string& op, const std::string& value) {
  DaemonSet set;
  auto& toleration = set.spec.template_.spec.tolerations.emplace_back();
  toleration.key = "k";
  toleration.operator_ = op;
  toleration.value = value;
  return set;
}
Node tainted(const std::string& effect) {
  Node node;
  node.metadata.name = "n1";
  auto& taint = node.spec.taints.emplace_back();
  taint.key = "k";
  taint.value = "7";
  taint.effect = effect;
  return node;
}

void check_place(const DaemonSet& set, const Node& node, bool comparisons, bool should_run, bool may_stay) {
  const Placement placement = Placer(set, comparisons).place(node);
  EXPECT_EQ(placement.should_run, should_run) << node.spec.taints[0].effect;
  EXPECT_EQ(placement.may_stay, may_stay) << node.spec.taints[0].effect;
}

TEST(DaemonSetPlacement, TaintsKeepPodsOff) {
  check_place(tolerating("Equal", "6"), tainted("NoSchedule"), false, false, true);
  check_place(tolerating("Equal", "6"), tainted("NoExecute"), false, false, false);
  check_place(tolerating("Equal", "6"), tainted("PreferNoSchedule"), false, true, true);
  check_place(tolerating("Equal", "7"), tainted("NoExecute"), false, true, true);
  check_place(tolerating("Gt", "5"), tainted("NoExecute"), false, false, false);
  check_place(tolerating("Gt", "5"), tainted("NoExecute"), true, true, true);
}

// A field of a node selector takes one value; with two, the scheduler would never bind the pod either.
TEST(DaemonSetPlacement, NodeAffinityIsTheSchedulers) {
  DaemonSet set;
  auto& required = set.spec.template_.spec.affinity.ensure().node_affinity.ensure().required_during_scheduling_ignored_during_execution.ensure();
  required.node_selector_terms.emplace_back().match_fields.push_back({"metadata.name", "In", {"n1"}});
  Node node;
  node.metadata.name = "n1";
  EXPECT_TRUE(Placer(set, false).place(node).should_run);
  required.node_selector_terms[0].match_fields[0].values.push_back("n2");
  EXPECT_FALSE(Placer(set, false).place(node).should_run);
  EXPECT_FALSE(Placer(set, false).place(node).may_stay);
}

}  // namespace
}  // namespace pintle::controller::daemonset

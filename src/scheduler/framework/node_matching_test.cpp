// Tolerations and node selectors.
#include <gtest/gtest.h>

#include "scheduler/framework/node_selector.h"
#include "scheduler/framework/tolerations.h"

namespace pintle::scheduler {
namespace {

void check_tolerates(Toleration toleration, Taint taint, bool expected, bool comparisons = true) {
  EXPECT_EQ(tolerates(toleration, taint, comparisons), expected) << toleration.key << " " << toleration.operator_ << " " << toleration.value;
}

TEST(Tolerations, ByKeyValueEffectAndOperator) {
  Taint taint;
  taint.key = "k";
  taint.value = "5";
  taint.effect = "NoSchedule";
  check_tolerates({"k", "Equal", "5", "NoSchedule"}, taint, true);
  check_tolerates({"k", "", "5", ""}, taint, true);
  check_tolerates({"k", "Equal", "6", ""}, taint, false);
  check_tolerates({"k", "Exists", "", "NoExecute"}, taint, false);
  check_tolerates({"", "Exists", "", ""}, taint, true);
  check_tolerates({"other", "Exists", "", ""}, taint, false);
  check_tolerates({"k", "Lt", "6", ""}, taint, true);
  check_tolerates({"k", "Lt", "5", ""}, taint, false);
  check_tolerates({"k", "Gt", "4", ""}, taint, true);
  check_tolerates({"k", "Gt", "x", ""}, taint, false);
  check_tolerates({"k", "Gt", "4", ""}, taint, false, false);
}

Node node() {
  Node out;
  out.metadata.name = "n1";
  out.metadata.labels["zone"] = "a";
  out.metadata.labels["size"] = "8";
  return out;
}
bool matches(const std::string& key, const std::string& op, std::vector<std::string> values, bool field = false) {
  api::core_v1::NodeSelectorTerm term;
  (field ? term.match_fields : term.match_expressions).push_back({key, op, std::move(values)});
  return NodeSelectorTerm(term).matches(node());
}

TEST(NodeSelector, Operators) {
  EXPECT_TRUE(matches("zone", "In", {"a", "b"}));
  EXPECT_FALSE(matches("zone", "NotIn", {"a"}));
  EXPECT_TRUE(matches("rack", "NotIn", {"a"}));
  EXPECT_TRUE(matches("zone", "Exists", {}));
  EXPECT_TRUE(matches("rack", "DoesNotExist", {}));
  EXPECT_TRUE(matches("size", "Gt", {"7"}));
  EXPECT_FALSE(matches("size", "Lt", {"8"}));
  EXPECT_FALSE(matches("zone", "Gt", {"1"}));
  EXPECT_FALSE(matches("zone", "Near", {"a"}));
  EXPECT_TRUE(matches("metadata.name", "In", {"n1"}, true));
  EXPECT_FALSE(matches("metadata.name", "NotIn", {"n1"}, true));
  EXPECT_FALSE(matches("metadata.uid", "In", {"n1"}, true));
  EXPECT_FALSE(NodeSelectorTerm(api::core_v1::NodeSelectorTerm()).matches(node()));
}

TEST(RequiredNodeAffinity, SelectorAndAnyTerm) {
  Pod pod;
  EXPECT_TRUE(RequiredNodeAffinity(pod).matches_everything());
  pod.spec.node_selector["zone"] = "a";
  EXPECT_TRUE(RequiredNodeAffinity(pod).matches(node()));
  auto& required = pod.spec.affinity.emplace().node_affinity.emplace().required_during_scheduling_ignored_during_execution.emplace();
  EXPECT_FALSE(RequiredNodeAffinity(pod).matches(node()));  // no term: nothing
  required.node_selector_terms.resize(2);
  required.node_selector_terms[0].match_expressions.push_back({"zone", "In", {"b"}});
  required.node_selector_terms[1].match_expressions.push_back({"size", "In", {"8"}});
  EXPECT_TRUE(RequiredNodeAffinity(pod).matches(node()));
  pod.spec.node_selector["zone"] = "b";
  EXPECT_FALSE(RequiredNodeAffinity(pod).matches(node()));
}

}  // namespace
}  // namespace pintle::scheduler

// Node selectors.
#include <gtest/gtest.h>

#include "scheduler/framework/node_selector.h"

namespace pintle::scheduler {
namespace {

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

#include "rules/node_selector.h"

#include <gtest/gtest.h>

namespace pintle::rules {
namespace {

using api::core_v1::Node;

Node node() {
  Node out;
  out.metadata.name = "n1";
  out.metadata.labels["zone"] = "a";
  out.metadata.labels["size"] = "8";
  return out;
}

struct Case {
  std::string_view key;
  std::string_view op;
  std::vector<std::string> values;
  bool matches;
};
api::core_v1::NodeSelectorRequirement requirement(const Case& c) { return {std::string(c.key), std::string(c.op), c.values}; }
std::string text(const Case& c) {
  std::string out = std::string(c.key) + " " + std::string(c.op);
  for (const std::string& value : c.values) out += " " + value;
  return out;
}

TEST(NodeSelector, Expressions) {
  const Case cases[] = {
      {"zone", "In", {"a", "b"}, true},   {"zone", "NotIn", {"a"}, false},
      {"rack", "NotIn", {"a"}, true},     {"zone", "Exists", {}, true},
      {"rack", "DoesNotExist", {}, true}, {"size", "Gt", {"7"}, true},
      {"size", "Gt", {"8"}, false},       {"size", "Lt", {"8"}, false},
      {"size", "Lt", {"9"}, true},        {"zone", "Gt", {"1"}, false},
      {"size", "Gt", {"7", "6"}, false},  {"size", "Gt", {"x"}, false},
      {"zone", "Near", {"a"}, false},     {"zone", "In", {}, false},
      {"zone", "Exists", {"a"}, false},   {"zone", "In", {"a", "not a value"}, false},
      {"-", "DoesNotExist", {}, false},
  };
  for (const Case& c : cases) {
    api::core_v1::NodeSelectorTerm term;
    term.match_expressions.push_back(requirement(c));
    EXPECT_EQ(NodeSelectorTerm(term).matches(node()), c.matches) << text(c);
  }
}

TEST(NodeSelector, Fields) {
  const Case cases[] = {
      {"metadata.name", "In", {"n1"}, true},
      {"metadata.name", "In", {"n2"}, false},
      {"metadata.name", "NotIn", {"n1"}, false},
      {"metadata.name", "NotIn", {"n2"}, true},
      {"metadata.name", "NotIn", {"no label value!"}, true},
      {"metadata.name", "In", {"n1", "n2"}, false},  // a field takes one value: the term does not parse
      {"metadata.name", "NotIn", {"n2", "n3"}, false},
      {"metadata.name", "In", {}, false},
      {"metadata.name", "Exists", {}, false},
      {"metadata.uid", "In", {"n1"}, false},  // a node has no other field: it is empty
      {"metadata.uid", "NotIn", {"n1"}, true},
  };
  for (const Case& c : cases) {
    api::core_v1::NodeSelectorTerm term;
    term.match_fields.push_back(requirement(c));
    EXPECT_EQ(NodeSelectorTerm(term).matches(node()), c.matches) << text(c);
  }
}

TEST(NodeSelector, ATermIsAllASelectorIsAny) {
  api::core_v1::NodeSelector selector;
  EXPECT_FALSE(NodeSelector(selector).matches(node()));  // no term: nothing
  auto& first = selector.node_selector_terms.emplace_back();
  EXPECT_FALSE(NodeSelector(selector).matches(node()));  // an empty term: nothing
  first.match_expressions.push_back({"zone", "In", {"a"}});
  EXPECT_TRUE(NodeSelector(selector).matches(node()));
  first.match_fields.push_back({"metadata.name", "In", {"n2"}});
  EXPECT_FALSE(NodeSelector(selector).matches(node()));
  first.match_fields[0].values.push_back("n1");  // does not parse, and holds up no other term
  selector.node_selector_terms.emplace_back().match_expressions.push_back({"size", "Exists", {}});
  EXPECT_TRUE(NodeSelector(selector).matches(node()));
  EXPECT_FALSE(NodeSelectorTerm(selector.node_selector_terms[0]).problem().empty());
}

TEST(RequiredNodeAffinity, SelectorAndAnyTerm) {
  api::core_v1::PodSpec spec;
  EXPECT_TRUE(RequiredNodeAffinity(spec).matches_everything());
  EXPECT_TRUE(RequiredNodeAffinity(spec).matches(node()));
  spec.node_selector["zone"] = "a";
  EXPECT_TRUE(RequiredNodeAffinity(spec).matches(node()));
  auto& required = spec.affinity.emplace().node_affinity.emplace().required_during_scheduling_ignored_during_execution.emplace();
  EXPECT_FALSE(RequiredNodeAffinity(spec).matches(node()));  // no term: nothing
  required.node_selector_terms.resize(2);
  required.node_selector_terms[0].match_expressions.push_back({"zone", "In", {"b"}});
  required.node_selector_terms[1].match_expressions.push_back({"size", "In", {"8"}});
  EXPECT_TRUE(RequiredNodeAffinity(spec).matches(node()));
  spec.node_selector["zone"] = "b";
  EXPECT_FALSE(RequiredNodeAffinity(spec).matches(node()));
  spec.node_selector.clear();
  spec.node_selector["rack"] = "";
  EXPECT_FALSE(RequiredNodeAffinity(spec).matches(node()));  // an empty value is not a missing label
}

}  // namespace
}  // namespace pintle::rules

#include <gtest/gtest.h>

#include "scheduler/testing/scene.h"

namespace pintle::scheduler::plugins {
namespace {

using namespace testing;

std::string must(const std::string& terms) {
  return "{affinity: {nodeAffinity: {requiredDuringSchedulingIgnoredDuringExecution: {nodeSelectorTerms: [" + terms + "]}}}}";
}
std::string would(const std::string& terms) {
  return "{affinity: {nodeAffinity: {preferredDuringSchedulingIgnoredDuringExecution: [" + terms + "]}}}";
}
std::string expression(const std::string& key, const std::string& operation, const std::string& values = "") {
  return "{matchExpressions: [{key: " + key + ", operator: " + operation + (values.empty() ? "" : ", values: [" + values + "]") + "}]}";
}
std::string named(const std::string& operation, const std::string& values) {
  return "{matchFields: [{key: metadata.name, operator: " + operation + ", values: [" + values + "]}]}";
}

Scene scene() { return Scene().node("n1 disk=ssd gen=5").node("n2 disk=hdd gen=3").node("n3"); }
const std::string no = "!node(s) didn't match Pod's node affinity/selector";
void check(const std::string& spec, const std::string& want, const std::string& args = "") {
  EXPECT_EQ(scene().filter("NodeAffinity", pod_of("p", spec), args), want) << spec;
}

TEST(NodeAffinity, Selectors) {
  check("", "skip");
  check("{nodeSelector: {disk: ssd}}", "n1; n2: " + no + "; n3: " + no);
  check("{nodeSelector: {disk: ssd, gen: '5'}}", "n1; n2: " + no + "; n3: " + no);
  check("{nodeSelector: {disk: ssd, gen: '3'}}", "n1: " + no + "; n2: " + no + "; n3: " + no);
}

TEST(NodeAffinity, Operators) {
  check(must(expression("disk", "In", "ssd, nvme")), "n1; n2: " + no + "; n3: " + no);
  check(must(expression("disk", "NotIn", "ssd")), "n1: " + no + "; n2; n3");
  check(must(expression("disk", "Exists")), "n1; n2; n3: " + no);
  check(must(expression("disk", "DoesNotExist")), "n1: " + no + "; n2: " + no + "; n3");
  check(must(expression("gen", "Gt", "'3'")), "n1; n2: " + no + "; n3: " + no);
  check(must(expression("gen", "Lt", "'5'")), "n1: " + no + "; n2; n3: " + no);
}

TEST(NodeAffinity, AnyOfTheTerms) {
  check(must(expression("disk", "In", "hdd") + ", " + expression("disk", "DoesNotExist")), "n1: " + no + "; n2; n3");
  check(must("{}"), "n1: " + no + "; n2: " + no + "; n3: " + no);  // an empty term matches no node
  check("{nodeSelector: {gen: '3'}, affinity: {nodeAffinity: {requiredDuringSchedulingIgnoredDuringExecution: {nodeSelectorTerms: [" +
            expression("disk", "Exists") + "]}}}}",
        "n1: " + no + "; n2; n3: " + no);  // the selector too
}

TEST(NodeAffinity, NamesNarrowTheNodesDown) {
  check(must(named("In", "n2")), "only n2: n1: " + no + "; n2; n3: " + no);
  check(must(named("In", "n2") + ", " + named("In", "n3")), "only n2 n3: n1: " + no + "; n2; n3");
  check(must(named("In", "n2") + ", " + expression("disk", "Exists")), "n1; n2; n3: " + no);  // one term does not pin
  check(must(named("NotIn", "n2")), "n1; n2: " + no + "; n3");
  check(must("{matchFields: [{key: metadata.name, operator: In, values: [n1]}, {key: metadata.name, operator: In, values: [n2]}]}"),
        "pod: pod affinity terms conflict");
}

TEST(NodeAffinity, WhatTheConfigurationAdds) {
  const std::string args =
      R"({"addedAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": [{"matchExpressions": [{"key": "disk", "operator": "Exists"}]}]}}})";
  check("", "n1; n2; n3: !node(s) didn't match scheduler-enforced node affinity", args);
  check("{nodeSelector: {disk: ssd}}", "n1; n2: " + no + "; n3: !node(s) didn't match scheduler-enforced node affinity", args);
}

void check_score(const std::string& spec, const std::string& want, const std::string& args = "") {
  EXPECT_EQ(scene().score("NodeAffinity", pod_of("p", spec), args), want) << spec;
}

TEST(NodeAffinity, Scores) {
  check_score("", "skip");
  check_score(would("{weight: 5, preference: " + expression("disk", "In", "ssd") + "}"), "n1=100 n2=0 n3=0");
  check_score(
      would("{weight: 5, preference: " + expression("disk", "In", "ssd") + "}, {weight: 10, preference: " + expression("disk", "Exists") + "}"),
      "n1=100 n2=66 n3=0");
  check_score(would("{weight: 5, preference: {}}"), "skip");
  check_score(would("{weight: 0, preference: " + expression("disk", "Exists") + "}"), "skip");
  check_score(
      "", "n1=100 n2=0 n3=0",
      R"({"addedAffinity": {"preferredDuringSchedulingIgnoredDuringExecution": [{"weight": 1, "preference": {"matchExpressions": [{"key": "disk", "operator": "In", "values": ["ssd"]}]}}]}})");
}

TEST(NodeAffinity, WhatMakesAnotherTryWorthIt) {
  const Pod pod = pod_of("p", "{nodeSelector: {disk: ssd}}");
  const auto changed = [&](const NodePtr& before, const NodePtr& after) {
    return Scene().queues<Node>("NodeAffinity", pod, EventResource::Node, before ? action::update_node_label : action::add, before, after);
  };
  EXPECT_TRUE(changed(nullptr, shared_node("n disk=ssd")));
  EXPECT_FALSE(changed(nullptr, shared_node("n disk=hdd")));
  EXPECT_TRUE(changed(shared_node("n disk=hdd"), shared_node("n disk=ssd")));
  EXPECT_FALSE(changed(shared_node("n disk=ssd"), shared_node("n disk=ssd x=y")));  // it was one before
}

}  // namespace
}  // namespace pintle::scheduler::plugins

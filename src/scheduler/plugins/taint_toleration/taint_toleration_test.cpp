#include <gtest/gtest.h>

#include "scheduler/testing/scene.h"

namespace pintle::scheduler::plugins {
namespace {

using namespace testing;

const std::string tainted = "!node(s) had untolerated taint(s)";
std::string tolerating(const std::string& list) { return "{tolerations: [" + list + "]}"; }
// What a pod is told of a node with these taints ("taint=k=v:NoSchedule ...").
void check(const std::string& taints, const std::string& tolerations, bool fits) {
  EXPECT_EQ(Scene().node("n " + taints).filter("TaintToleration", pod_of("p", tolerating(tolerations))), fits ? "n" : "n: " + tainted)
      << taints << " | " << tolerations;
}

TEST(TaintToleration, Effects) {
  check("", "", true);
  check("taint=k=v:NoSchedule", "", false);
  check("taint=k=v:NoExecute", "", false);
  check("taint=k=v:PreferNoSchedule", "", true);
}

TEST(TaintToleration, WhatATolerationMatches) {
  const std::string taint = "taint=k=v:NoSchedule";
  check(taint, "{key: k, operator: Equal, value: v, effect: NoSchedule}", true);
  check(taint, "{key: k, operator: Equal, value: w}", false);
  check(taint, "{key: k, value: v}", true);  // Equal where nothing is said
  check(taint, "{key: k, operator: Exists}", true);
  check(taint, "{key: j, operator: Exists}", false);
  check(taint, "{operator: Exists}", true);
  check(taint, "{key: k, operator: Exists, effect: NoExecute}", false);
  check(taint, "{key: k, operator: Exists, effect: NoSchedule}", true);
  check("taint=k=v:NoSchedule taint=j=w:NoExecute", "{key: k, operator: Exists}", false);  // each has to be
  check("taint=k=v:NoSchedule taint=j=w:NoExecute", "{key: k, operator: Exists}, {key: j, operator: Exists}", true);
}

TEST(TaintToleration, ComparisonsAreBehindTheirGate) {
  const auto told = [](Scene scene) {
    return scene.node("n taint=k=7:NoSchedule").filter("TaintToleration", pod_of("p", tolerating("{key: k, operator: Gt, value: '5'}")));
  };
  EXPECT_EQ(told(Scene()), "n: " + tainted);
  EXPECT_EQ(told(Scene().gate("TaintTolerationComparisonOperators")), "n");
}

TEST(TaintToleration, Scores) {
  const auto score = [](const std::string& tolerations) {
    return Scene()
        .node("n1")
        .node("n2 taint=a=1:PreferNoSchedule")
        .node("n3 taint=a=1:PreferNoSchedule taint=b=1:PreferNoSchedule")
        .score("TaintToleration", pod_of("p", tolerating(tolerations)));
  };
  EXPECT_EQ(Scene().node("n1").node("n2 taint=a=1:NoSchedule").score("TaintToleration", pod_of("p")), "skip");
  EXPECT_EQ(score(""), "n1=100 n2=50 n3=0");
  EXPECT_EQ(score("{key: a, operator: Exists}"), "n1=100 n2=100 n3=0");
  EXPECT_EQ(score("{operator: Exists}"), "n1=100 n2=100 n3=100");
  EXPECT_EQ(score("{key: a, operator: Exists, effect: NoSchedule}"), "n1=100 n2=50 n3=0");
}

TEST(TaintToleration, WhatMakesAnotherTryWorthIt) {
  const auto changed = [](const NodePtr& before, const NodePtr& after) {
    return Scene().queues<Node>("TaintToleration", pod_of("p"), EventResource::Node, before ? action::update_node_taint : action::add, before, after);
  };
  EXPECT_TRUE(changed(nullptr, shared_node("n")));
  EXPECT_FALSE(changed(nullptr, shared_node("n taint=k=v:NoSchedule")));
  EXPECT_TRUE(changed(shared_node("n taint=k=v:NoSchedule"), shared_node("n")));
  EXPECT_FALSE(changed(shared_node("n"), shared_node("n x=y")));
}

}  // namespace
}  // namespace pintle::scheduler::plugins

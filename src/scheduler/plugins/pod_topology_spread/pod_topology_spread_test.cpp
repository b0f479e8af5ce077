#include <gtest/gtest.h>

#include "api/gen/apps_v1.h"
#include "scheduler/testing/scene.h"

namespace pintle::scheduler::plugins {
namespace {

using namespace testing;

// a1 and a2 in zone a, b1 in zone b, none without a zone.
Scene scene() { return Scene().node("a1 zone=a host=a1").node("a2 zone=a host=a2").node("b1 zone=b host=b1").node("none host=none"); }
std::string constraint(const std::string& key, const std::string& more = "", const std::string& when = "DoNotSchedule") {
  return "{topologyKey: " + key + ", whenUnsatisfiable: " + when + ", labelSelector: {matchLabels: {app: web}}, " +
         (more.find("maxSkew") == more.npos ? "maxSkew: 1, " : "") + more + "}";
}
std::string spread(const std::string& constraints, const std::string& more = "") {
  return "{topologySpreadConstraints: [" + constraints + "]" + more + "}";
}
const std::string uneven = "node(s) didn't match pod topology spread constraints", unlabelled = "!" + uneven + " (missing required label)";

void check(const Scene& in, const std::string& spec, const std::string& want, const std::string& pod = "p app=web") {
  EXPECT_EQ(in.filter("PodTopologySpread", pod_of(pod, spec)), want) << spec;
}

TEST(PodTopologySpread, PodsWithoutConstraints) {
  check(scene(), "", "skip");
  check(scene(), spread(constraint("zone", "", "ScheduleAnyway")), "skip");
}

TEST(PodTopologySpread, NoDomainIsFarAboveTheLeast) {
  check(scene(), spread(constraint("zone")), "a1; a2; b1; none: " + unlabelled);
  check(scene().pod("x @a1 app=web"), spread(constraint("zone")), "a1: " + uneven + "; a2: " + uneven + "; b1; none: " + unlabelled);
  check(scene().pod("x @a1 app=web"), spread(constraint("zone", "maxSkew: 2")), "a1; a2; b1; none: " + unlabelled);
  check(scene().pod("x @a1 app=web").pod("y @b1 app=web"), spread(constraint("zone")), "a1; a2; b1; none: " + unlabelled);
  check(scene().pod("x @a1 app=web"), spread(constraint("host")), "a1: " + uneven + "; a2; b1; none");
}

TEST(PodTopologySpread, WhichPodsCount) {
  check(scene().pod("x @a1 app=other"), spread(constraint("zone")), "a1; a2; b1; none: " + unlabelled);
  check(scene().pod("x @a1 app=web ns=other"), spread(constraint("zone")), "a1; a2; b1; none: " + unlabelled);
  check(scene().pod("x @a1 app=web going"), spread(constraint("zone")), "a1; a2; b1; none: " + unlabelled);
  check(scene().pod("x @a1 app=web"), spread(constraint("zone")), "a1; a2; b1; none: " + unlabelled, "p app=other");  // it adds nothing itself
}

TEST(PodTopologySpread, SeveralConstraints) {
  const std::string both = spread(constraint("zone") + ", " + constraint("host"));
  check(scene().pod("x @a1 app=web").pod("y @b1 app=web"), both, "a1: " + uneven + "; a2; b1: " + uneven + "; none: " + unlabelled);
}

TEST(PodTopologySpread, MinDomains) {
  // Two domains where three are wanted: the least counts as zero.
  const Scene in = scene().pod("x @a1 app=web").pod("y @b1 app=web");
  check(in, spread(constraint("zone", "minDomains: 2")), "a1; a2; b1; none: " + unlabelled);
  check(in, spread(constraint("zone", "minDomains: 3")), "a1: " + uneven + "; a2: " + uneven + "; b1: " + uneven + "; none: " + unlabelled);
}

// Domains that the pod may not go to are left out of the least, unless the constraint says otherwise.
TEST(PodTopologySpread, NodePolicies) {
  const Scene in = scene().pod("x @a1 app=web");
  check(in, spread(constraint("zone"), ", nodeSelector: {zone: a}"), "a1; a2; b1; none: " + unlabelled);
  check(in, spread(constraint("zone", "nodeAffinityPolicy: Ignore"), ", nodeSelector: {zone: a}"),
        "a1: " + uneven + "; a2: " + uneven + "; b1; none: " + unlabelled);
  const Scene tainted = Scene().node("a1 zone=a").node("b1 zone=b taint=k=v:NoSchedule").pod("x @a1 app=web");
  check(tainted, spread(constraint("zone")), "a1: " + uneven + "; b1");
  check(tainted, spread(constraint("zone", "nodeTaintsPolicy: Honor")), "a1; b1");
  check(tainted, spread(constraint("zone", "nodeTaintsPolicy: Honor"), ", tolerations: [{operator: Exists}]"), "a1: " + uneven + "; b1");
}

TEST(PodTopologySpread, MatchLabelKeys) {
  const Scene in = scene().pod("x @a1 app=web hash=1");
  check(in, spread(constraint("zone", "matchLabelKeys: [hash]")), "a1: " + uneven + "; a2: " + uneven + "; b1; none: " + unlabelled,
        "p app=web hash=1");
  check(in, spread(constraint("zone", "matchLabelKeys: [hash]")), "a1; a2; b1; none: " + unlabelled, "p app=web hash=2");
}

void check_score(const Scene& in, const std::string& pod, const std::string& spec, const std::string& want, const std::string& args = "") {
  EXPECT_EQ(in.score("PodTopologySpread", pod_of(pod, spec), args), want) << spec;
}

TEST(PodTopologySpread, Scores) {
  check_score(scene(), "p app=web", "", "skip");
  check_score(scene(), "p app=web", spread(constraint("zone")), "skip");
  const std::string soft = spread(constraint("zone", "", "ScheduleAnyway"));
  check_score(scene(), "p app=web", soft, "a1=100 a2=100 b1=100 none=0");
  check_score(scene().pod("x @a1 app=web"), "p app=web", soft, "a1=0 a2=0 b1=100 none=0");
  // The largest count gets what the least is of it: one against three.
  check_score(scene().pod("x @a1 app=web").pod("y @a2 app=web").pod("z @a2 app=web").pod("w @b1 app=web"), "p app=web", soft,
              "a1=25 a2=25 b1=100 none=0");
}

// Without constraints of its own a pod of a Service or a workload is spread over nodes and zones.
TEST(PodTopologySpread, Defaults) {
  const std::string host = "kubernetes.io/hostname", zone = "topology.kubernetes.io/zone";
  const Scene in = Scene()
                       .node("a1 " + zone + "=a " + host + "=a1")
                       .node("b1 " + zone + "=b " + host + "=b1")
                       .pod("x @a1 app=web")
                       .pod("y @a1 app=web")
                       .pod("z @a1 app=web")
                       .object<api::core_v1::Service>("{metadata: {name: s, namespace: default}, spec: {selector: {app: web}}}");
  check_score(in, "p app=other", "", "skip");
  const std::string said = in.score("PodTopologySpread", pod_of("p app=web"));
  EXPECT_TRUE(said.ends_with(" b1=100")) << said;
  check_score(in, "p app=web", "", "skip", R"({"defaultingType": "List"})");
}

TEST(PodTopologySpread, Arguments) {
  const auto refused = [](const std::string& args) { return Scene().refusal("PodTopologySpread", args); };
  const std::string one = R"("defaultConstraints": [{"maxSkew": 1, "topologyKey": "zone", "whenUnsatisfiable": "ScheduleAnyway")";
  EXPECT_EQ(refused("{\"defaultingType\": \"List\", " + one + "}]}"), "");
  EXPECT_NE(refused("{\"defaultingType\": \"System\", " + one + "}]}"), "");
  EXPECT_NE(refused("{\"defaultingType\": \"List\", " + one + R"(, "labelSelector": {}}]})"), "");
  EXPECT_NE(refused(R"({"defaultingType": "Other"})"), "");
}

TEST(PodTopologySpread, WhatMakesAnotherTryWorthIt) {
  const Pod pod = pod_of("p app=web", spread(constraint("zone")));
  const auto added = [&](const std::string& other) {
    return Scene().queues<Pod>("PodTopologySpread", pod, EventResource::Pod, action::add, nullptr, shared_pod(other));
  };
  EXPECT_TRUE(added("x @a1 app=web"));
  EXPECT_FALSE(added("x @a1 app=other"));
  EXPECT_FALSE(added("x @a1 app=web ns=other"));
  const auto appeared = [&](const std::string& node) {
    return Scene().queues<Node>("PodTopologySpread", pod, EventResource::Node, action::add, nullptr, shared_node(node));
  };
  EXPECT_TRUE(appeared("n zone=c"));
  EXPECT_FALSE(appeared("n"));
}

}  // namespace
}  // namespace pintle::scheduler::plugins

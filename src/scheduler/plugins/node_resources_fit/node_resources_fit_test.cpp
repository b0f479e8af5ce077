#include <gtest/gtest.h>

#include "scheduler/testing/scene.h"

namespace pintle::scheduler::plugins {
namespace {

using namespace testing;

// A node of 2 cpu and 4Gi with a pod of 1 cpu and 1Gi on it.
Scene scene() { return Scene().node("n cpu=2 memory=4Gi pods=3 resource=example.com/card=2").pod("u @n cpu=1 memory=1Gi"); }
void check(const std::string& pod, const std::string& want, const std::string& spec = "", const std::string& args = "") {
  EXPECT_EQ(scene().filter("NodeResourcesFit", pod_of(pod, spec), args), want) << pod << " " << spec;
}

TEST(NodeResourcesFit, WhatIsLeft) {
  check("p", "n");
  check("p cpu=1 memory=3Gi", "n");
  check("p cpu=1001m", "n: Insufficient cpu");
  check("p memory=3073Mi", "n: Insufficient memory");
  check("p cpu=2 memory=4Gi", "n: Insufficient cpu, Insufficient memory");
}

// No preemption makes room for what the whole node has not.
TEST(NodeResourcesFit, WhatTheNodeWillNeverHave) {
  check("p cpu=2001m", "n: !Insufficient cpu");
  check("p cpu=2001m memory=4Gi", "n: !Insufficient cpu, Insufficient memory");
  check("p", "n: !Insufficient example.com/none", "{containers: [{name: c, resources: {requests: {example.com/none: 1}}}]}");
}

TEST(NodeResourcesFit, PodsAreCounted) {
  EXPECT_EQ(scene().pod("v @n").pod("w @n").filter("NodeResourcesFit", pod_of("p")), "n: Too many pods");
  EXPECT_EQ(scene().pod("v @n").filter("NodeResourcesFit", pod_of("p")), "n");
}

TEST(NodeResourcesFit, OtherResources) {
  const auto cards = [](int count) { return "{containers: [{name: c, resources: {requests: {example.com/card: " + std::to_string(count) + "}}}]}"; };
  check("p", "n", cards(2));
  check("p", "n: !Insufficient example.com/card", cards(3));
  EXPECT_EQ(scene().pod("v @n", cards(1)).filter("NodeResourcesFit", pod_of("p", cards(2))), "n: Insufficient example.com/card");
  check("p", "n", cards(3), R"({"ignoredResources": ["example.com/card"]})");
  check("p", "n", cards(3), R"({"ignoredResourceGroups": ["example.com"]})");
}

// Init containers run one after the other: the largest counts where it is above the sum of the others; sidecars stay.
TEST(NodeResourcesFit, InitContainers) {
  const auto init = [](const std::string& cpu, const std::string& more = "") {
    return "{initContainers: [{name: i, resources: {requests: {cpu: " + cpu + "}}" + more +
           "}], containers: [{name: c, resources: {requests: {cpu: 500m}}}]}";
  };
  check("p", "n", init("1"));
  check("p", "n: Insufficient cpu", init("1100m"));
  check("p", "n: Insufficient cpu", init("600m", ", restartPolicy: Always"));
  check("p", "n", init("500m", ", restartPolicy: Always"));
  check("p", "n: Insufficient cpu", "{overhead: {cpu: 600m}, containers: [{name: c, resources: {requests: {cpu: 500m}}}]}");
}

// cpu and memory alike; a pod that says nothing counts as 100m and 200Mi.
TEST(NodeResourcesFit, Scores) {
  const Scene in = Scene().node("n1 cpu=4 memory=4Gi pods=9").node("n2 cpu=4 memory=4Gi pods=9").pod("u @n2 cpu=2 memory=2Gi");
  const auto score = [&](const std::string& pod, const std::string& args = "") { return in.score("NodeResourcesFit", pod_of(pod), args); };
  EXPECT_EQ(score("p cpu=1 memory=1Gi"), "n1=75 n2=25");
  EXPECT_EQ(score("p cpu=1 memory=2Gi"), "n1=62 n2=12");
  EXPECT_EQ(score("p"), "n1=96 n2=46");
  EXPECT_EQ(score("p cpu=1 memory=1Gi", R"({"scoringStrategy": {"type": "MostAllocated"}})"), "n1=25 n2=75");
  EXPECT_EQ(score("p cpu=1 memory=2Gi", R"({"scoringStrategy": {"type": "LeastAllocated", "resources": [{"name": "cpu", "weight": 1}]}})"),
            "n1=75 n2=25");
  EXPECT_EQ(
      score(
          "p cpu=1 memory=1Gi",
          R"({"scoringStrategy": {"type": "RequestedToCapacityRatio", "requestedToCapacityRatio": {"shape": [{"utilization": 0, "score": 0}, {"utilization": 100, "score": 10}]}}})"),
      "n1=25 n2=75");
}

TEST(NodeResourcesFit, Arguments) {
  const auto refused = [](const std::string& args) { return Scene().refusal("NodeResourcesFit", args); };
  EXPECT_EQ(refused(R"({"scoringStrategy": {"type": "MostAllocated", "resources": [{"name": "cpu", "weight": 100}]}})"), "");
  EXPECT_NE(refused(R"({"scoringStrategy": {"type": "Other"}})"), "");
  EXPECT_NE(refused(R"({"scoringStrategy": {"type": "MostAllocated", "resources": [{"name": "cpu", "weight": 101}]}})"), "");
  EXPECT_NE(refused(R"({"scoringStrategy": {"type": "RequestedToCapacityRatio"}})"), "");
}

TEST(NodeResourcesFit, WhatMakesAnotherTryWorthIt) {
  const Pod pod = pod_of("p cpu=2");
  const auto removed = [&](const Scene& left, const std::string& gone, const Pod& waiting) {
    return left.queues<Pod>("NodeResourcesFit", waiting, EventResource::Pod, action::remove, shared_pod(gone), nullptr);
  };
  const Scene empty = Scene().node("n cpu=2 memory=4Gi pods=3");
  EXPECT_TRUE(removed(empty, "u @n cpu=1", pod));
  EXPECT_FALSE(removed(empty, "u cpu=1", pod));         // it held nothing
  EXPECT_FALSE(removed(empty, "u @other cpu=1", pod));  // nor does it on a node that is not there
  const Scene taken = Scene().node("n cpu=2 memory=4Gi pods=3").pod("v @n cpu=1");
  EXPECT_FALSE(removed(taken, "u @n cpu=1", pod));  // not enough yet
  EXPECT_TRUE(removed(taken, "u @n cpu=1", pod_of("p cpu=1")));
  // A pod that may preempt is helped by those of its own priority that go, as it cannot make them.
  const Pod important = pod_of("p cpu=2", "{priority: 10}");
  EXPECT_FALSE(removed(taken, "u @n cpu=1", important));
  const auto equal = std::make_shared<const Pod>(pod_of("u @n cpu=1", "{priority: 10}"));
  EXPECT_TRUE(taken.queues<Pod>("NodeResourcesFit", important, EventResource::Pod, action::remove, equal, nullptr));
  const auto smaller = [&](const std::string& before, const std::string& after) {
    return Scene().queues<Pod>("NodeResourcesFit", pod, EventResource::Pod, action::update_pod_scale_down, shared_pod(before), shared_pod(after));
  };
  EXPECT_TRUE(smaller("u @n cpu=2", "u @n cpu=1"));
  EXPECT_FALSE(smaller("u @n cpu=2 memory=2Gi", "u @n cpu=2 memory=1Gi"));  // it asks for no memory
  const auto grew = [&](const NodePtr& before, const std::string& after) {
    return Scene().queues<Node>("NodeResourcesFit", pod, EventResource::Node, before ? action::update_node_allocatable : action::add, before,
                                shared_node(after));
  };
  EXPECT_TRUE(grew(nullptr, "n cpu=2 pods=1"));
  EXPECT_FALSE(grew(nullptr, "n cpu=1 pods=1"));
  EXPECT_FALSE(grew(nullptr, "n cpu=2"));  // room for no pod
  EXPECT_TRUE(grew(shared_node("n cpu=1 pods=1"), "n cpu=2 pods=1"));
  EXPECT_FALSE(grew(shared_node("n cpu=2 pods=1"), "n cpu=2 pods=1 memory=1Gi"));
}

}  // namespace
}  // namespace pintle::scheduler::plugins

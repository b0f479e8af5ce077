#include <gtest/gtest.h>

#include "scheduler/testing/scene.h"

namespace pintle::scheduler::plugins {
namespace {

using namespace testing;

const std::string tolerant = "{tolerations: [{key: node.kubernetes.io/unschedulable, operator: Exists}]}";

TEST(NodeUnschedulable, CordonedNodes) {
  const Scene scene = Scene().node("n1").node("n2 unschedulable");
  EXPECT_EQ(scene.filter("NodeUnschedulable", pod_of("p")), "n1; n2: !node(s) were unschedulable");
  EXPECT_EQ(scene.filter("NodeUnschedulable", pod_of("p", tolerant)), "n1; n2");
  EXPECT_EQ(scene.filter("NodeUnschedulable", pod_of("p", "{tolerations: [{operator: Exists}]}")), "n1; n2");
  EXPECT_EQ(
      scene.filter("NodeUnschedulable", pod_of("p", "{tolerations: [{key: node.kubernetes.io/unschedulable, operator: Exists, effect: NoExecute}]}")),
      "n1; n2: !node(s) were unschedulable");
}

TEST(NodeUnschedulable, WhatMakesAnotherTryWorthIt) {
  const auto changed = [](const NodePtr& before, const NodePtr& after) {
    return Scene().queues<Node>("NodeUnschedulable", pod_of("p"), EventResource::Node, before ? action::update_node_taint : action::add, before,
                                after);
  };
  EXPECT_TRUE(changed(nullptr, shared_node("n")));
  EXPECT_FALSE(changed(nullptr, shared_node("n unschedulable")));
  EXPECT_TRUE(changed(shared_node("n unschedulable"), shared_node("n")));
  EXPECT_FALSE(changed(shared_node("n"), shared_node("n unschedulable")));
}

}  // namespace
}  // namespace pintle::scheduler::plugins

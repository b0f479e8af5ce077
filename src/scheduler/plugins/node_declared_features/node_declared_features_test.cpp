#include <gtest/gtest.h>

#include "scheduler/testing/scene.h"

namespace pintle::scheduler::plugins {
namespace {

using namespace testing;

const std::string needy = "{hostNetwork: true, hostUsers: false}";

NodePtr declaring(std::vector<std::string> features) {
  Node node = node_of("n");
  node.status.declared_features = std::move(features);
  return std::make_shared<const Node>(std::move(node));
}

TEST(NodeDeclaredFeatures, WhatNodesDeclare) {
  const Scene scene = Scene().node("n1").node("n2 feature=UserNamespacesHostNetworkSupport feature=X");
  EXPECT_EQ(scene.filter("NodeDeclaredFeatures", pod_of("p")), "skip");
  EXPECT_EQ(scene.filter("NodeDeclaredFeatures", pod_of("p", needy)), "n1: !node(s) didn't match Pod's required features; n2");
}

TEST(NodeDeclaredFeatures, NothingWithoutTheGate) {
  const Scene scene = Scene().node("n1").gate("NodeDeclaredFeatures", false);
  EXPECT_EQ(scene.filter("NodeDeclaredFeatures", pod_of("p", needy)), "skip");
}

TEST(NodeDeclaredFeatures, WhatMakesAnotherTryWorthIt) {
  const auto changed = [](const NodePtr& before, const NodePtr& after) {
    return Scene().queues<Node>("NodeDeclaredFeatures", pod_of("p", needy), EventResource::Node,
                                before ? action::update_node_declared_feature : action::add, before, after);
  };
  EXPECT_FALSE(changed(nullptr, declaring({})));
  EXPECT_TRUE(changed(nullptr, declaring({"UserNamespacesHostNetworkSupport"})));
  EXPECT_TRUE(changed(declaring({}), declaring({"UserNamespacesHostNetworkSupport"})));
  EXPECT_FALSE(changed(declaring({"UserNamespacesHostNetworkSupport"}), declaring({"UserNamespacesHostNetworkSupport"})));
  EXPECT_FALSE(changed(declaring({}), declaring({"X"})));
}

}  // namespace
}  // namespace pintle::scheduler::plugins

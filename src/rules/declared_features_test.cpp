#include "rules/declared_features.h"

#include <gtest/gtest.h>

#include "api/testing/from_yaml.h"

namespace pintle::rules {
namespace {

using api::core_v1::PodSpec;
using api::testing::from_yaml;
using Names = std::vector<std::string_view>;

PodSpec spec_of(std::string_view yaml) { return from_yaml<api::core_v1::Pod>("{spec: " + std::string(yaml) + "}").spec; }

TEST(DeclaredFeatures, ToRun) {
  const auto needed = [](std::string_view yaml) { return features_for_scheduling(spec_of(yaml)); };
  EXPECT_EQ(needed("{containers: [{name: c}]}"), Names{});
  EXPECT_EQ(needed("{hostNetwork: true, containers: [{name: c}]}"), Names{});
  EXPECT_EQ(needed("{hostNetwork: true, hostUsers: true}"), Names{});
  EXPECT_EQ(needed("{hostUsers: false}"), Names{});
  EXPECT_EQ(needed("{hostNetwork: true, hostUsers: false}"), Names{"UserNamespacesHostNetworkSupport"});
  EXPECT_EQ(needed("{containers: [{name: c, restartPolicyRules: [{action: Restart}]}]}"), Names{});
  EXPECT_EQ(needed("{containers: [{name: a}, {name: c, restartPolicyRules: [{action: Restart}, {action: RestartAllContainers}]}]}"),
            Names{"RestartAllContainersOnContainerExits"});
  EXPECT_EQ(needed("{hostNetwork: true, hostUsers: false, initContainers: [{name: i, restartPolicyRules: [{action: RestartAllContainers}]}]}"),
            (Names{"RestartAllContainersOnContainerExits", "UserNamespacesHostNetworkSupport"}));
}

TEST(DeclaredFeatures, ToChange) {
  const auto needed = [](std::string_view now, std::string_view before) { return features_for_update(spec_of(now), spec_of(before)); };
  const char* const small = "{initContainers: [{name: i, resources: {requests: {cpu: 1}}}]}";
  EXPECT_EQ(needed(small, small), Names{});
  EXPECT_EQ(needed("{initContainers: [{name: i, resources: {requests: {cpu: 2}}}]}", small), Names{"InPlacePodVerticalScalingInitContainers"});
  EXPECT_EQ(needed("{initContainers: [{name: i, restartPolicy: Always, resources: {requests: {cpu: 2}}}]}", small), Names{});
  EXPECT_EQ(needed("{containers: [{name: c, resources: {requests: {cpu: 2}}}]}", "{containers: [{name: c}]}"), Names{});
  EXPECT_EQ(needed("{resources: {requests: {cpu: 2}}}", "{resources: {requests: {cpu: 1}}}"), Names{"InPlacePodLevelResourcesVerticalScaling"});
  EXPECT_EQ(needed("{resources: {requests: {cpu: 2}}}", "{}"), Names{"InPlacePodLevelResourcesVerticalScaling"});
  EXPECT_EQ(needed("{resources: {requests: {cpu: 1000m}}}", "{resources: {requests: {cpu: 1}}}"), Names{});
}

TEST(DeclaredFeatures, WhatANodeLacks) {
  api::core_v1::Node node;
  EXPECT_EQ(missing_features({"A", "B"}, node), (Names{"A", "B"}));
  node.status.declared_features = {"B", "C"};
  EXPECT_EQ(missing_features({"A", "B"}, node), Names{"A"});
  EXPECT_EQ(missing_features({}, node), Names{});
}

}  // namespace
}  // namespace pintle::rules

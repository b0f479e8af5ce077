#include <gtest/gtest.h>

#include "scheduler/testing/scene.h"

namespace pintle::scheduler::plugins {
namespace {

using namespace testing;

const std::string taken = "node(s) didn't have free ports for the requested pod ports";
std::string ports(const std::string& list) { return "{containers: [{name: c, ports: [" + list + "]}]}"; }
// A node with a pod that has `used`; what a pod that wants `wanted` is told.
void check(const std::string& used, const std::string& wanted, const std::string& want) {
  EXPECT_EQ(Scene().node("n").pod("u @n", ports(used)).filter("NodePorts", pod_of("p", ports(wanted))), want) << used << " | " << wanted;
}

TEST(NodePorts, ByPortProtocolAndAddress) {
  check("{hostPort: 80}", "", "skip");
  check("{hostPort: 80}", "{containerPort: 80}", "skip");  // no port of the host
  check("{hostPort: 80}", "{hostPort: 81}", "n");
  check("{hostPort: 80}", "{hostPort: 80}", "n: " + taken);
  check("{hostPort: 80}", "{hostPort: 81}, {hostPort: 80}", "n: " + taken);
  check("{hostPort: 80, protocol: UDP}", "{hostPort: 80}", "n");
  check("{hostPort: 80, protocol: UDP}", "{hostPort: 80, protocol: UDP}", "n: " + taken);
  check("{hostPort: 80, hostIP: 10.0.0.1}", "{hostPort: 80, hostIP: 10.0.0.2}", "n");
  check("{hostPort: 80, hostIP: 10.0.0.1}", "{hostPort: 80, hostIP: 10.0.0.1}", "n: " + taken);
  check("{hostPort: 80, hostIP: 10.0.0.1}", "{hostPort: 80, hostIP: 0.0.0.0}", "n: " + taken);
  check("{hostPort: 80}", "{hostPort: 80, hostIP: 10.0.0.1}", "n: " + taken);  // without an address: every one
}

TEST(NodePorts, SidecarsTakePortsAndOtherInitContainersDoNot) {
  const auto init = [](const std::string& policy) {
    return "{initContainers: [{name: i, ports: [{hostPort: 80}]" + policy + "}], containers: [{name: c}]}";
  };
  EXPECT_EQ(Scene().node("n").pod("u @n port=80").filter("NodePorts", pod_of("p", init(", restartPolicy: Always"))), "n: " + taken);
  EXPECT_EQ(Scene().node("n").pod("u @n port=80").filter("NodePorts", pod_of("p", init(""))), "skip");
}

TEST(NodePorts, WhatMakesAnotherTryWorthIt) {
  const auto removed = [](const std::string& gone) {
    return Scene().queues<Pod>("NodePorts", pod_of("p port=80"), EventResource::Pod, action::remove, shared_pod(gone), nullptr);
  };
  EXPECT_TRUE(removed("u @n port=80"));
  EXPECT_FALSE(removed("u @n port=81"));
  EXPECT_FALSE(removed("u port=80"));  // it held none: it had no node
}

}  // namespace
}  // namespace pintle::scheduler::plugins

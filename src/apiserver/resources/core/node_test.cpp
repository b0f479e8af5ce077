#include <gtest/gtest.h>

#include "apiserver/resources/testing/strategies.h"

namespace pintle::apiserver::resources {
namespace {

using namespace testing;
using api::core_v1::Node;

const registry::Strategy& nodes_strategy() { return strategy_of("", "nodes"); }

TEST(NodeStrategy, Defaults) {
  const Node node = created<Node>(nodes_strategy(), "{spec: {podCIDR: 10.1.0.0/24}, status: {capacity: {cpu: 4}}}");
  EXPECT_EQ(node.status.allocatable.get("cpu")->text(), "4");
  EXPECT_EQ(node.spec.pod_cidrs, std::vector<std::string>{"10.1.0.0/24"});
  EXPECT_EQ(created<Node>(nodes_strategy(), "{spec: {podCIDRs: [10.1.0.0/24, 'fd00::/64']}}").spec.pod_cidr, "10.1.0.0/24");
}

void check_create(const std::string& yaml, const std::string& want) {
  std::string causes;
  created<Node>(nodes_strategy(), yaml, &causes);
  EXPECT_EQ(causes, want) << yaml;
}

TEST(NodeStrategy, Validation) {
  check_create("{}", "");
  check_create("{spec: {taints: [{key: a/b, value: c, effect: NoSchedule}, {key: a/b, effect: NoExecute}]}}", "");
  check_create("{spec: {taints: [{key: 'a b', effect: NoSchedule}]}}", "Invalid metadata.taints[0].key");
  check_create("{spec: {taints: [{key: a, value: 'b c', effect: NoSchedule}]}}", "Invalid metadata.taints[0].value");
  check_create("{spec: {taints: [{key: a}]}}", "Required metadata.taints[0].effect");
  check_create("{spec: {taints: [{key: a, effect: Other}]}}", "NotSupported metadata.taints[0].effect");
  check_create("{spec: {taints: [{key: a, value: x, effect: NoSchedule}, {key: a, value: w, effect: NoSchedule}]}}", "Duplicate metadata.taints[1]");
  check_create("{spec: {podCIDRs: [10.1.0.0]}}", "Invalid spec.podCIDRs[0]");
}

void check_update(const std::string& before, const std::string& after, const std::string& want) {
  std::string causes;
  updated<Node>(nodes_strategy(), before, after, &causes);
  EXPECT_EQ(causes, want) << before << " then " << after;
}

TEST(NodeStrategy, WhatIsSetOnceStays) {
  check_update("{}", "{spec: {podCIDRs: [10.1.0.0/24], providerID: 'x://1'}}", "");
  check_update("{spec: {podCIDRs: [10.1.0.0/24]}}", "{spec: {podCIDRs: [10.2.0.0/24]}}", "Forbidden spec.podCIDRs");
  check_update("{spec: {providerID: 'x://1'}}", "{spec: {providerID: 'x://2'}}", "Forbidden spec.providerID");
}

TEST(NodeStrategy, SpecAndStatusAreWrittenApart) {
  const std::string before = "{spec: {unschedulable: true}, status: {nodeInfo: {osImage: a}}}",
                    after = "{spec: {}, status: {nodeInfo: {osImage: b}}}";
  const Node spec = updated<Node>(nodes_strategy(), before, after), status = updated<Node>(strategy_of("", "nodes", "status"), before, after);
  EXPECT_EQ(spec.status.node_info.os_image + (spec.spec.unschedulable ? " cordoned" : ""), "a");
  EXPECT_EQ(status.status.node_info.os_image + (status.spec.unschedulable ? " cordoned" : ""), "b cordoned");
}

void check_row(const std::string& yaml, const std::string& want) { EXPECT_EQ(row_of<Node>(nodes_strategy(), yaml), want) << yaml; }

TEST(NodeStrategy, Rows) {
  const std::string rest = " | <age> | v1 | 10.0.0.1 | <none> | Debian | <unknown> | <unknown>";
  const std::string status = "nodeInfo: {kubeletVersion: v1, osImage: Debian}, addresses: [{type: InternalIP, address: 10.0.0.1}]";
  check_row("{metadata: {name: node}, status: {" + status + "}}", "node | Unknown | <none>" + rest);
  check_row("{metadata: {name: node}, status: {conditions: [{type: Ready, status: 'True'}], " + status + "}}", "node | Ready | <none>" + rest);
  check_row("{metadata: {name: node}, spec: {unschedulable: true}, status: {conditions: [{type: Ready, status: Unknown}], " + status + "}}",
            "node | NotReady,SchedulingDisabled | <none>" + rest);
  check_row(
      "{metadata: {name: node, labels: {node-role.kubernetes.io/worker: '', node-role.kubernetes.io/control-plane: '', kubernetes.io/role: edge}}, "
      "status: {" +
          status + "}}",
      "node | Unknown | control-plane,edge,worker" + rest);
}

}  // namespace
}  // namespace pintle::apiserver::resources

#include "apiserver/resources/core/service.h"

#include <gtest/gtest.h>

#include "apiserver/resources/testing/strategies.h"

namespace pintle::apiserver::resources {
namespace {

using namespace testing;
using api::core_v1::Service;

const registry::Strategy& services_strategy() { return strategy_of("", "services"); }
// The schema's defaults first; `spec` goes on from them.
std::string service_yaml(const std::string& spec) {
  return "{metadata: {name: s, namespace: d}, spec: {sessionAffinity: None, ports: [{port: 80, protocol: TCP}]" + (spec.empty() ? "" : ", " + spec) +
         "}}";
}
Service created_service(const std::string& spec) { return created<Service>(services_strategy(), service_yaml(spec)); }

TEST(ServiceStrategy, Defaults) {
  const Service plain = created_service("type: ClusterIP");
  EXPECT_EQ(plain.spec.ports[0].target_port.int_value, 80);
  EXPECT_EQ(plain.spec.internal_traffic_policy.value_or(""), "Cluster");
  EXPECT_EQ(plain.spec.external_traffic_policy, "");
  EXPECT_EQ(created_service("type: NodePort").spec.external_traffic_policy, "Cluster");
  EXPECT_EQ(created_service("type: ClusterIP, externalIPs: [1.2.3.4]").spec.external_traffic_policy, "Cluster");
  const Service balanced = created_service("type: LoadBalancer");
  EXPECT_TRUE(balanced.spec.allocate_load_balancer_node_ports.value_or(false));
  EXPECT_FALSE(created_service("type: ExternalName, externalName: a.example").spec.internal_traffic_policy);
  const Service sticky = created<Service>(services_strategy(), "{spec: {type: ClusterIP, sessionAffinity: ClientIP, ports: [{port: 80}]}}");
  EXPECT_EQ(sticky.spec.session_affinity_config->client_ip->timeout_seconds.value_or(0), 10800);
}

TEST(ServiceStrategy, TheTwoFormsOfTheClusterIp) {
  EXPECT_EQ(created_service("type: ClusterIP, clusterIP: 10.96.0.5").spec.cluster_ips, std::vector<std::string>{"10.96.0.5"});
  EXPECT_EQ(created_service("type: ClusterIP, clusterIPs: [10.96.0.5]").spec.cluster_ip, "10.96.0.5");
  EXPECT_EQ(created_service("type: ClusterIP").spec.cluster_ip, "");
}

void check_create(const std::string& spec, const std::string& want) {
  std::string causes;
  created<Service>(services_strategy(), service_yaml(spec), &causes);
  EXPECT_EQ(causes, want) << spec;
}

TEST(ServiceStrategy, Validation) {
  check_create("type: ClusterIP", "");
  check_create("type: NodePort", "");
  check_create("type: Other", "NotSupported spec.type");
  check_create("type: ClusterIP, clusterIP: nonsense", "Invalid spec.clusterIPs[0]");
  check_create("type: ClusterIP, selector: {'a b': c}", "Invalid spec.selector");
  check_create("type: ClusterIP, externalIPs: [192.0.2.1]", "");
  for (const std::string address : {"127.0.0.1", "0.0.0.0", "169.254.169.254", "224.0.0.5", "nonsense", "'::1'"})
    check_create("type: ClusterIP, externalIPs: [" + address + "]", "Invalid spec.externalIPs[0]");
  check_create("type: ClusterIP, loadBalancerClass: a/b", "Forbidden spec.loadBalancerClass");
}

// Before and after as stored: the update's spec says only what a client says.
Service updated_service(const std::string& before, const std::string& after, std::string* causes = nullptr) {
  return updated<Service>(services_strategy(), service_yaml(before), service_yaml(after), causes);
}
const std::string held = "clusterIP: 10.96.0.5, clusterIPs: [10.96.0.5], ipFamilies: [IPv4], ipFamilyPolicy: SingleStack";

TEST(ServiceStrategy, WhatWasGivenStays) {
  const Service kept = updated_service("type: ClusterIP, " + held, "type: ClusterIP");
  EXPECT_EQ(kept.spec.cluster_ip + " " + kept.spec.ip_families.at(0) + " " + *kept.spec.ip_family_policy, "10.96.0.5 IPv4 SingleStack");
  const auto with_port = [](const std::string& port) {
    return "{metadata: {name: s}, spec: {type: NodePort, sessionAffinity: None, " + held + ", ports: [{port: 80, protocol: TCP" + port + "}]}}";
  };
  EXPECT_EQ(updated<Service>(services_strategy(), with_port(", nodePort: 30001"), with_port("")).spec.ports[0].node_port, 30001);
  EXPECT_EQ(updated<Service>(services_strategy(), with_port(", nodePort: 30001"), with_port(", nodePort: 30002")).spec.ports[0].node_port, 30002);
}

TEST(ServiceStrategy, AChangedTypeGivesBackWhatOnlyTheOldOneHad) {
  const Service named = updated_service("type: ClusterIP, " + held, "type: ExternalName, externalName: a.example, " + held);
  EXPECT_EQ(named.spec.cluster_ip, "");
  EXPECT_TRUE(named.spec.cluster_ips.empty() && named.spec.ip_families.empty() && !named.spec.ip_family_policy);
  const auto typed = [](const std::string& type, const std::string& port) {
    return "{metadata: {name: s}, spec: {type: " + type + ", sessionAffinity: None, " + held + ", ports: [{port: 80, protocol: TCP" + port + "}]}}";
  };
  EXPECT_EQ(
      updated<Service>(services_strategy(), typed("NodePort", ", nodePort: 30001"), typed("ClusterIP", ", nodePort: 30001")).spec.ports[0].node_port,
      0);
  EXPECT_EQ(updated_service("type: NodePort, externalTrafficPolicy: Local, " + held, "type: ClusterIP, externalTrafficPolicy: Local, " + held)
                .spec.external_traffic_policy,
            "");
  const Service local = updated_service("type: LoadBalancer, externalTrafficPolicy: Local, healthCheckNodePort: 30005, " + held,
                                        "type: LoadBalancer, externalTrafficPolicy: Cluster, healthCheckNodePort: 30005, " + held);
  EXPECT_EQ(local.spec.health_check_node_port, 0);
}

TEST(ServiceStrategy, TheFirstClusterIpMayNotChange) {
  std::string causes;
  updated_service("type: ClusterIP, " + held,
                  "type: ClusterIP, clusterIP: 10.96.0.6, clusterIPs: [10.96.0.6], ipFamilies: [IPv4], ipFamilyPolicy: SingleStack", &causes);
  EXPECT_TRUE(causes.starts_with("Invalid spec.clusterIPs[0]")) << causes;
}

void check_row(const std::string& yaml, const std::string& want) { EXPECT_EQ(row_of<Service>(services_strategy(), yaml), want) << yaml; }

TEST(ServiceStrategy, Rows) {
  check_row("{metadata: {name: s}, spec: {type: ClusterIP, clusterIPs: [10.96.0.5], ports: [{port: 80, protocol: TCP}], selector: {app: web}}}",
            "s | ClusterIP | 10.96.0.5 | <none> | 80/TCP | <age> | app=web");
  check_row(
      "{metadata: {name: s}, spec: {type: NodePort, clusterIPs: [10.96.0.5], ports: [{port: 80, nodePort: 30001, protocol: TCP}, {port: 53, "
      "protocol: UDP}]}}",
      "s | NodePort | 10.96.0.5 | <none> | 80:30001/TCP,53/UDP | <age> | <none>");
  check_row("{metadata: {name: s}, spec: {type: ExternalName, externalName: a.example}}",
            "s | ExternalName | <none> | a.example | <none> | <age> | <none>");
  check_row("{metadata: {name: s}, spec: {type: LoadBalancer, clusterIPs: [10.96.0.5]}}",
            "s | LoadBalancer | 10.96.0.5 | <pending> | <none> | <age> | <none>");
  check_row(
      "{metadata: {name: s}, spec: {type: LoadBalancer, clusterIPs: [10.96.0.5]}, status: {loadBalancer: {ingress: [{ip: 192.0.2.1}, {hostname: "
      "long.name.example}]}}}",
      "s | LoadBalancer | 10.96.0.5 | 192.0.2.1,lon... | <none> | <age> | <none>");
}

}  // namespace
}  // namespace pintle::apiserver::resources

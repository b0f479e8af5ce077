#include <gtest/gtest.h>

#include "proxy/nftables/testing.h"
#include "proxy/types/endpoint.h"
#include "proxy/types/service_port.h"

namespace pintle::proxy {
namespace {

using nftables::testing::parse;

std::vector<ServicePort> ports_of(const std::string& yaml, Family family = Family::IPv4) {
  return service_ports(parse("kind: Service\nmetadata: {name: svc, namespace: ns}\n" + yaml).services.at(0), family);
}
const std::string one_port = "ports: [{name: web, port: 80, protocol: TCP}]";

TEST(ServicePorts, WhichServicesAreServed) {
  EXPECT_EQ(ports_of("spec: {clusterIP: 172.30.0.1, " + one_port + "}").size(), 1u);
  EXPECT_TRUE(ports_of("spec: {clusterIP: None, " + one_port + "}").empty());
  EXPECT_TRUE(ports_of("spec: {clusterIP: \"\", " + one_port + "}").empty());
  EXPECT_TRUE(ports_of("spec: {type: ExternalName, externalName: example.org, clusterIP: 172.30.0.1, " + one_port + "}").empty());
  EXPECT_TRUE(ports_of("spec: {clusterIP: 172.30.0.1, " + one_port + "}", Family::IPv6).empty());
  const std::string dual = "spec: {clusterIP: 172.30.0.1, clusterIPs: [172.30.0.1, \"fd00::1\"], " + one_port + "}";
  EXPECT_EQ(ports_of(dual).at(0).cluster_ip.to_string(), "172.30.0.1");
  EXPECT_EQ(ports_of(dual, Family::IPv6).at(0).cluster_ip.to_string(), "fd00::1");
  for (const char* label : {"service.kubernetes.io/headless", "service.kubernetes.io/service-proxy-name"}) {
    auto service = parse("kind: Service\nmetadata: {name: svc, namespace: ns, labels: {" + std::string(label) +
                         ": x}}\nspec: {clusterIP: 172.30.0.1, " + one_port + "}")
                       .services.at(0);
    EXPECT_TRUE(service_ports(service, Family::IPv4).empty()) << label;
  }
}

TEST(ServicePorts, Ports) {
  const auto ports = ports_of(
      "spec: {clusterIP: 172.30.0.1, type: NodePort, ports: [{name: a, port: 80, nodePort: 30080}, {name: b, port: 53, protocol: UDP}, {name: c, "
      "port: 9, protocol: SCTP}, {name: d, port: 1, protocol: X}]}");
  ASSERT_EQ(ports.size(), 3u);
  EXPECT_EQ(ports[0].node_port, 30080);
  EXPECT_EQ(ports[1].protocol, Protocol::UDP);
  EXPECT_EQ(ports[2].protocol, Protocol::SCTP);
  EXPECT_EQ((ServicePortName{{"ns", "svc"}, "a", Protocol::TCP}.to_string()), "ns/svc:a");
  EXPECT_EQ((ServicePortName{{"ns", "svc"}, "", Protocol::TCP}.to_string()), "ns/svc");
}

TEST(ServicePorts, LoadBalancers) {
  const auto port = ports_of(
                        "spec: {clusterIP: 172.30.0.1, type: LoadBalancer, externalTrafficPolicy: Local, healthCheckNodePort: 32000, "
                        "loadBalancerSourceRanges: [\" 10.1.2.3/8 \", 10.0.0.0/16, \"fd00::/8\"], " +
                        one_port +
                        "}\nstatus: {loadBalancer: {ingress: [{ip: 1.2.3.4}, {ip: 5.6.7.8, ipMode: Proxy}, {ip: 9.9.9.9, ipMode: VIP}, {hostname: "
                        "lb}, {ip: \"fd00::9\"}, {ip: 1.2.3.4}]}}")
                        .at(0);
  ASSERT_EQ(port.load_balancer_vips.size(), 2u);
  EXPECT_EQ(port.load_balancer_vips[1].to_string(), "9.9.9.9");
  ASSERT_EQ(port.source_ranges.size(), 1u);
  EXPECT_EQ(port.source_ranges[0].to_string(), "10.0.0.0/8");
  EXPECT_EQ(port.health_check_node_port, 32000);
  EXPECT_TRUE(port.external_local);
  EXPECT_TRUE(ports_of("spec: {clusterIP: 172.30.0.1, type: LoadBalancer, loadBalancerSourceRanges: [0.0.0.0/0, 10.0.0.0/8], " + one_port + "}")
                  .at(0)
                  .source_ranges.empty());
}

TEST(ServicePorts, PoliciesAndAffinity) {
  EXPECT_FALSE(
      ports_of("spec: {clusterIP: 172.30.0.1, externalTrafficPolicy: Local, " + one_port + "}").at(0).external_local);  // nothing comes from outside
  EXPECT_TRUE(ports_of("spec: {clusterIP: 172.30.0.1, externalTrafficPolicy: Local, externalIPs: [1.2.3.4], " + one_port + "}").at(0).external_local);
  EXPECT_TRUE(ports_of("spec: {clusterIP: 172.30.0.1, internalTrafficPolicy: Local, " + one_port + "}").at(0).internal_local);
  EXPECT_EQ(
      ports_of("spec: {clusterIP: 172.30.0.1, sessionAffinity: ClientIP, sessionAffinityConfig: {clientIP: {timeoutSeconds: 7}}, " + one_port + "}")
          .at(0)
          .affinity_seconds,
      7u);
  EXPECT_EQ(ports_of("spec: {clusterIP: 172.30.0.1, sessionAffinity: ClientIP, " + one_port + "}").at(0).affinity_seconds, 10800u);
  EXPECT_EQ(ports_of("spec: {clusterIP: 172.30.0.1, " + one_port + "}").at(0).affinity_seconds, 0u);
}

SliceEndpoints slice_of(const std::string& yaml) { return slice_endpoints(parse("kind: EndpointSlice\n" + yaml).slices.at(0), "node-1"); }

TEST(Endpoints, Slices) {
  const auto slice = slice_of(
      "addressType: IPv4\nports: [{name: web, port: 80, protocol: TCP}, {port: 81}, {name: all}, {name: dns, port: 53, protocol: UDP}]\n"
      "endpoints: [{addresses: [10.0.0.2], nodeName: node-1}, {addresses: [10.0.0.1], conditions: {ready: false, serving: true, terminating: true}}, "
      "{addresses: []}, {addresses: [nonsense]}]\n");
  ASSERT_EQ(slice.ports.size(), 2u);
  const auto& web = slice.ports.at({"web", Protocol::TCP});
  ASSERT_EQ(web.size(), 2u);
  EXPECT_EQ(web[0].to_string(), "10.0.0.1:80");
  EXPECT_TRUE(!web[0].ready && web[0].serving && web[0].terminating && !web[0].local);
  EXPECT_TRUE(web[1].ready && web[1].local);
  EXPECT_TRUE(slice_of("addressType: FQDN\nports: [{name: web, port: 80}]\nendpoints: [{addresses: [example.org]}]\n").ports.empty());
  EXPECT_EQ(slice_of("addressType: IPv6\nports: [{name: web, port: 80}]\nendpoints: [{addresses: [\"fd00::1\"]}]\n")
                .ports.at({"web", Protocol::TCP})
                .at(0)
                .to_string(),
            "[fd00::1]:80");
}

// An address in two slices counts once, as the pod that stays.
TEST(Endpoints, MergePrefersThoseThatStay) {
  const std::string head = "addressType: IPv4\nports: [{name: web, port: 80}]\nendpoints: ";
  const auto ending = slice_of(head + "[{addresses: [10.0.0.1], conditions: {ready: false, terminating: true}}]\n");
  const auto ready = slice_of(head + "[{addresses: [10.0.0.1]}, {addresses: [10.0.0.2]}]\n");
  for (const auto& order : {std::vector{&ending, &ready}, std::vector{&ready, &ending}}) {
    const auto merged = merge_endpoints(order).at({"web", Protocol::TCP});
    ASSERT_EQ(merged.size(), 2u);
    EXPECT_TRUE(merged[0].ready && !merged[0].terminating);
  }
}

}  // namespace
}  // namespace pintle::proxy

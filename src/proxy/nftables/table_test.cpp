#include "proxy/nftables/table.h"

#include <gtest/gtest.h>

#include <set>
#include <sstream>
#include <thread>

#include "os/nft.h"
#include "proxy/nftables/base_rules.h"
#include "proxy/nftables/testing.h"

namespace pintle::proxy::nftables {
namespace {

using testing::config;
using testing::parse;
using testing::put;

std::string service(std::string_view spec, std::string_view rest = "") {
  return "kind: Service\nmetadata: {name: svc, namespace: ns}\nspec: {clusterIP: 172.30.0.41, " + std::string(spec) + "}\n" + std::string(rest) +
         "\n---\n";
}
std::string slice(std::string_view endpoints, std::string_view port = "name: p80, port: 8080, protocol: TCP") {
  return "kind: EndpointSlice\nmetadata: {name: svc-a, namespace: ns, labels: {kubernetes.io/service-name: svc}}\naddressType: IPv4\nendpoints: [" +
         std::string(endpoints) + "]\nports: [{" + std::string(port) + "}]\n---\n";
}

// A transaction without what is the same in each line.
std::string brief(std::string text) {
  std::string out;
  while (!text.empty()) {
    std::string line = text.substr(0, text.find('\n'));
    text.erase(0, line.size() + 1);
    if (line.starts_with("flush chain")) continue;
    for (const std::string_view table : {"ip kube-proxy ", "ip6 kube-proxy "})
      if (const auto at = line.find(table); at != std::string::npos) line.erase(at, table.size());
    out += line + "\n";
  }
  return out;
}

// Runs in a network namespace of its own. Skips where there is none to be had.
template <class F>
void in_empty_network(F body) {
  bool entered = false;
  std::thread([&] {
    entered = testing::enter_empty_network();
    if (entered) body();
  }).join();
  if (!entered) GTEST_SKIP() << "no network namespace to be had";
}

Table filled(const RulesConfig& with, const std::string& objects) {
  Table table(with);
  table.rebuild({});
  (void)table.ruleset().take_transaction();
  put(table, parse(objects));
  return table;
}

void check_rules(const std::string& objects, const std::string& expected) {
  Table table = filled(config(), objects);
  EXPECT_EQ("\n" + brief(table.ruleset().take_transaction()), expected);
}

constexpr const char* two_nodes = "{addresses: [10.180.0.1], nodeName: node-1}, {addresses: [10.180.0.2], nodeName: node-2}";
constexpr const char* other_node = "{addresses: [10.180.0.2], nodeName: node-2}";

TEST(TableRules, ClusterIp) {
  check_rules(service("ports: [{name: p80, port: 80, protocol: TCP}]") + slice(two_nodes), R"(
add chain service-EAX6K5MY-ns/svc/tcp/p80
add rule service-EAX6K5MY-ns/svc/tcp/p80 meta l4proto tcp dnat ip addr . port to numgen random mod 2 map { 0 : 10.180.0.1 . 8080, 1 : 10.180.0.2 . 8080 }
add element cluster-ips { 172.30.0.41 }
add element hairpin-connections { 10.180.0.1 . 10.180.0.1 . tcp . 8080 }
add element service-ips { 172.30.0.41 . tcp . 80 : goto service-EAX6K5MY-ns/svc/tcp/p80 }
)");
}
TEST(TableRules, NoEndpoints) {
  check_rules(service("type: NodePort, externalIPs: [192.168.99.22], ports: [{name: p80, port: 80, nodePort: 3001, protocol: TCP}]"), R"(
add element cluster-ips { 172.30.0.41 }
add element no-endpoint-nodeports { tcp . 3001 comment "ns/svc:p80" : goto reject-chain }
add element no-endpoint-services { 172.30.0.41 . tcp . 80 comment "ns/svc:p80" : goto reject-chain, 192.168.99.22 . tcp . 80 comment "ns/svc:p80" : goto reject-chain }
)");
}
TEST(TableRules, NodePort) {
  check_rules(service("type: NodePort, ports: [{name: p80, port: 80, nodePort: 3001, protocol: TCP}]") + slice(two_nodes), R"(
add chain external-EAX6K5MY-ns/svc/tcp/p80
add chain service-EAX6K5MY-ns/svc/tcp/p80
add rule external-EAX6K5MY-ns/svc/tcp/p80 mark set mark or 0x4000 comment "masquerade"
add rule external-EAX6K5MY-ns/svc/tcp/p80 goto service-EAX6K5MY-ns/svc/tcp/p80
add rule service-EAX6K5MY-ns/svc/tcp/p80 meta l4proto tcp dnat ip addr . port to numgen random mod 2 map { 0 : 10.180.0.1 . 8080, 1 : 10.180.0.2 . 8080 }
add element cluster-ips { 172.30.0.41 }
add element hairpin-connections { 10.180.0.1 . 10.180.0.1 . tcp . 8080 }
add element service-ips { 172.30.0.41 . tcp . 80 : goto service-EAX6K5MY-ns/svc/tcp/p80 }
add element service-nodeports { tcp . 3001 : goto external-EAX6K5MY-ns/svc/tcp/p80 }
)");
}
TEST(TableRules, ExternalLocal) {
  check_rules(service("type: LoadBalancer, externalTrafficPolicy: Local, ports: [{name: p80, port: 80, nodePort: 3001, protocol: TCP}]",
                      "status: {loadBalancer: {ingress: [{ip: 1.2.3.4}]}}") +
                  slice(two_nodes),
              R"(
add chain external-EAX6K5MY-ns/svc/tcp/p80
add chain local-EAX6K5MY-ns/svc/tcp/p80
add chain service-EAX6K5MY-ns/svc/tcp/p80
add rule external-EAX6K5MY-ns/svc/tcp/p80 ip saddr 10.0.0.0/8 goto service-EAX6K5MY-ns/svc/tcp/p80 comment "short-circuit pod traffic"
add rule external-EAX6K5MY-ns/svc/tcp/p80 fib saddr type local mark set mark or 0x4000 comment "masquerade local traffic"
add rule external-EAX6K5MY-ns/svc/tcp/p80 fib saddr type local goto service-EAX6K5MY-ns/svc/tcp/p80 comment "short-circuit local traffic"
add rule external-EAX6K5MY-ns/svc/tcp/p80 goto local-EAX6K5MY-ns/svc/tcp/p80
add rule local-EAX6K5MY-ns/svc/tcp/p80 meta l4proto tcp dnat ip addr . port to numgen random mod 1 map { 0 : 10.180.0.1 . 8080 }
add rule service-EAX6K5MY-ns/svc/tcp/p80 meta l4proto tcp dnat ip addr . port to numgen random mod 2 map { 0 : 10.180.0.1 . 8080, 1 : 10.180.0.2 . 8080 }
add element cluster-ips { 172.30.0.41 }
add element hairpin-connections { 10.180.0.1 . 10.180.0.1 . tcp . 8080 }
add element service-ips { 1.2.3.4 . tcp . 80 : goto external-EAX6K5MY-ns/svc/tcp/p80, 172.30.0.41 . tcp . 80 : goto service-EAX6K5MY-ns/svc/tcp/p80 }
add element service-nodeports { tcp . 3001 : goto external-EAX6K5MY-ns/svc/tcp/p80 }
)");
}
TEST(TableRules, ExternalLocalElsewhere) {
  check_rules(service("type: LoadBalancer, externalTrafficPolicy: Local, ports: [{name: p80, port: 80, nodePort: 3001, protocol: TCP}]",
                      "status: {loadBalancer: {ingress: [{ip: 1.2.3.4}]}}") +
                  slice(other_node),
              R"(
add chain external-EAX6K5MY-ns/svc/tcp/p80
add chain service-EAX6K5MY-ns/svc/tcp/p80
add rule external-EAX6K5MY-ns/svc/tcp/p80 ip saddr 10.0.0.0/8 goto service-EAX6K5MY-ns/svc/tcp/p80 comment "short-circuit pod traffic"
add rule external-EAX6K5MY-ns/svc/tcp/p80 fib saddr type local mark set mark or 0x4000 comment "masquerade local traffic"
add rule external-EAX6K5MY-ns/svc/tcp/p80 fib saddr type local goto service-EAX6K5MY-ns/svc/tcp/p80 comment "short-circuit local traffic"
add rule service-EAX6K5MY-ns/svc/tcp/p80 meta l4proto tcp dnat ip addr . port to numgen random mod 1 map { 0 : 10.180.0.2 . 8080 }
add element cluster-ips { 172.30.0.41 }
add element no-endpoint-nodeports { tcp . 3001 comment "ns/svc:p80" : drop }
add element no-endpoint-services { 1.2.3.4 . tcp . 80 comment "ns/svc:p80" : drop }
add element service-ips { 1.2.3.4 . tcp . 80 : goto external-EAX6K5MY-ns/svc/tcp/p80, 172.30.0.41 . tcp . 80 : goto service-EAX6K5MY-ns/svc/tcp/p80 }
add element service-nodeports { tcp . 3001 : goto external-EAX6K5MY-ns/svc/tcp/p80 }
)");
}
TEST(TableRules, InternalLocal) {
  check_rules(service("internalTrafficPolicy: Local, ports: [{name: p80, port: 80, protocol: TCP}]") + slice(two_nodes), R"(
add chain local-EAX6K5MY-ns/svc/tcp/p80
add rule local-EAX6K5MY-ns/svc/tcp/p80 meta l4proto tcp dnat ip addr . port to numgen random mod 1 map { 0 : 10.180.0.1 . 8080 }
add element cluster-ips { 172.30.0.41 }
add element hairpin-connections { 10.180.0.1 . 10.180.0.1 . tcp . 8080 }
add element service-ips { 172.30.0.41 . tcp . 80 : goto local-EAX6K5MY-ns/svc/tcp/p80 }
)");
}
TEST(TableRules, InternalLocalElsewhere) {
  check_rules(service("internalTrafficPolicy: Local, ports: [{name: p80, port: 80, protocol: TCP}]") + slice(other_node), R"(
add element cluster-ips { 172.30.0.41 }
add element no-endpoint-services { 172.30.0.41 . tcp . 80 comment "ns/svc:p80" : drop }
)");
}
TEST(TableRules, SourceRangesAndAffinity) {
  check_rules(service("type: LoadBalancer, loadBalancerSourceRanges: [\" 203.0.113.0/25\", 192.168.0.0/24], sessionAffinity: ClientIP, ports: "
                      "[{name: p80, port: 80, nodePort: 3002, protocol: TCP}]",
                      "status: {loadBalancer: {ingress: [{ip: 5.6.7.8}]}}") +
                  slice("{addresses: [10.180.0.3], nodeName: node-1}"),
              R"(
add chain endpoint-33UWAE6X-ns/svc/tcp/p80__10.180.0.3/8080
add chain external-EAX6K5MY-ns/svc/tcp/p80
add chain firewall-EAX6K5MY-ns/svc/tcp/p80
add chain service-EAX6K5MY-ns/svc/tcp/p80
add set affinity-33UWAE6X-ns/svc/tcp/p80__10.180.0.3/8080 { type ipv4_addr ; flags dynamic,timeout ; timeout 10800s ; }
add rule endpoint-33UWAE6X-ns/svc/tcp/p80__10.180.0.3/8080 update @affinity-33UWAE6X-ns/svc/tcp/p80__10.180.0.3/8080 { ip saddr }
add rule endpoint-33UWAE6X-ns/svc/tcp/p80__10.180.0.3/8080 meta l4proto tcp dnat to 10.180.0.3:8080
add rule external-EAX6K5MY-ns/svc/tcp/p80 mark set mark or 0x4000 comment "masquerade"
add rule external-EAX6K5MY-ns/svc/tcp/p80 goto service-EAX6K5MY-ns/svc/tcp/p80
add rule firewall-EAX6K5MY-ns/svc/tcp/p80 ip saddr != { 192.168.0.0/24, 203.0.113.0/25, 5.6.7.8 } drop
add rule service-EAX6K5MY-ns/svc/tcp/p80 ip saddr @affinity-33UWAE6X-ns/svc/tcp/p80__10.180.0.3/8080 goto endpoint-33UWAE6X-ns/svc/tcp/p80__10.180.0.3/8080
add rule service-EAX6K5MY-ns/svc/tcp/p80 numgen random mod 1 vmap { 0 : goto endpoint-33UWAE6X-ns/svc/tcp/p80__10.180.0.3/8080 }
add element cluster-ips { 172.30.0.41 }
add element hairpin-connections { 10.180.0.3 . 10.180.0.3 . tcp . 8080 }
add element firewall-ips { 5.6.7.8 . tcp . 80 : goto firewall-EAX6K5MY-ns/svc/tcp/p80 }
add element service-ips { 172.30.0.41 . tcp . 80 : goto service-EAX6K5MY-ns/svc/tcp/p80, 5.6.7.8 . tcp . 80 : goto external-EAX6K5MY-ns/svc/tcp/p80 }
add element service-nodeports { tcp . 3002 : goto external-EAX6K5MY-ns/svc/tcp/p80 }
)");
}

// The order of chains is that in which they were made.
std::multiset<std::string> sorted_lines(const std::string& text) {
  std::multiset<std::string> out;
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) out.insert(line);
  return out;
}

// Every transaction must also please the kernel.
void check_kernel(const RulesConfig& with, const std::vector<std::string>& steps) {
  in_empty_network([&] {
    const auto nft = os::make_nft();
    const auto run = [&](const std::string& commands) {
      const auto done = commands.empty() ? Result<Unit>(Unit{}) : nft->run(commands);
      EXPECT_TRUE(done) << done.error().message << "\n" << commands;
    };
    auto listing = nft->list_table(std::string(table_of(with.family)));
    ASSERT_TRUE(listing) << listing.error().message;
    ASSERT_EQ(*listing, "");
    Table table(with);
    table.rebuild({});
    for (const std::string& step : steps) {
      put(table, parse(step));
      run(table.ruleset().take_transaction());
    }
    run(table.ruleset().take_stale_chains());

    // A proxy that starts anew takes the table over, with what is in it or without.
    listing = nft->list_table(std::string(table_of(with.family)));
    ASSERT_TRUE(listing) << listing.error().message;
    Table second(with);
    second.rebuild(parse_table(*listing));
    put(second, parse(steps.back()));
    run(second.ruleset().take_transaction());
    EXPECT_FALSE(second.ruleset().has_stale_chains());
    EXPECT_EQ(sorted_lines(nft->list_table(std::string(table_of(with.family))).value_or("gone")), sorted_lines(*listing));
    Table third(with);
    third.rebuild(parse_table(*listing));
    run(third.ruleset().take_transaction());
    run(third.ruleset().take_stale_chains());
    third.replace();
    run(third.ruleset().take_transaction());
    // In steps, over what another left.
    Table fourth(with);
    fourth.rebuild(parse_table(*listing));
    put(fourth, parse(steps.back()));
    const auto transactions = fourth.ruleset().take_transactions(1);
    EXPECT_GT(transactions.size(), 2u);
    for (const std::string& transaction : transactions) run(transaction);
    EXPECT_EQ(sorted_lines(nft->list_table(std::string(table_of(with.family))).value_or("gone")), sorted_lines(*listing));
  });
}

TEST(TableInKernel, EveryKindOfService) {
  check_kernel(
      config(),
      {service("ports: [{name: p80, port: 80, protocol: TCP}]") + slice(two_nodes),
       service("ports: [{name: p80, port: 80, protocol: TCP}]") + slice(other_node),
       service("type: NodePort, externalIPs: [192.168.99.22], ports: [{name: p80, port: 80, nodePort: 3001, protocol: TCP}]"),
       service("type: LoadBalancer, loadBalancerSourceRanges: [192.168.0.0/16, 192.168.0.0/24, 203.0.113.0/25], sessionAffinity: ClientIP, ports: "
               "[{name: p80, port: 80, nodePort: 3002, protocol: TCP}]",
               "status: {loadBalancer: {ingress: [{ip: 5.6.7.8}]}}") +
           slice(two_nodes),
       service(
           "type: LoadBalancer, externalTrafficPolicy: Local, internalTrafficPolicy: Local, sessionAffinity: ClientIP, sessionAffinityConfig: "
           "{clientIP: {timeoutSeconds: 60}}, "
           "ports: [{name: p80, port: 80, nodePort: 3001, protocol: TCP}, {name: u, port: 53, protocol: UDP}, {name: s, port: 99, protocol: SCTP}]",
           "status: {loadBalancer: {ingress: [{ip: 1.2.3.4}]}}") +
           slice(two_nodes)});
}

TEST(TableInKernel, Ipv6) {
  std::string objects = service(
                            "clusterIPs: [172.30.0.41, \"fd00:10:96::41\"], type: LoadBalancer, externalTrafficPolicy: Local, "
                            "loadBalancerSourceRanges: [\"2001:db8::/32\"], sessionAffinity: ClientIP, "
                            "ports: [{name: p80, port: 80, nodePort: 3001, protocol: TCP}]",
                            "status: {loadBalancer: {ingress: [{ip: \"2001:db8::99\"}]}}") +
                        slice("{addresses: [\"fd00:10::5\"], nodeName: node-1}");
  objects.replace(objects.find("addressType: IPv4"), 17, "addressType: IPv6");
  check_kernel(config(Family::IPv6), {objects});
  std::string plain = objects;
  plain.replace(plain.find("sessionAffinity: ClientIP"), 25, "sessionAffinity: None");
  check_kernel(config(Family::IPv6), {objects, plain, objects});
}

TEST(TableInKernel, OtherConfigurations) {
  RulesConfig with = config();
  with.masquerade_all = true;
  with.node_ports_everywhere = true;
  with.service_cidrs.clear();
  check_kernel(with, {service("ports: [{name: p80, port: 80, protocol: TCP}]") + slice(two_nodes)});
  with.masquerade_all = false;
  with.if_local = "iifname \"veth*\"";
  with.if_not_local = "iifname != \"veth*\"";
  check_kernel(with, {service("type: NodePort, externalTrafficPolicy: Local, ports: [{name: p80, port: 80, nodePort: 31000, protocol: TCP}]") +
                      slice(two_nodes)});
}

// What a change costs does not depend on how much there is: only what it touches is written.
TEST(TableChanges, WritesOnlyWhatChanged) {
  const std::string spec = "ports: [{name: p80, port: 80, protocol: TCP}]";
  Table table = filled(config(), service(spec) + slice(two_nodes));
  (void)table.ruleset().take_transaction();
  put(table, parse(service(spec) + slice(two_nodes)));
  EXPECT_EQ(table.ruleset().take_transaction(), "");

  put(table, parse(service(spec) + slice(other_node)));
  EXPECT_EQ(table.ruleset().take_transaction(),
            "delete element ip kube-proxy hairpin-connections { 10.180.0.1 . 10.180.0.1 . tcp . 8080 }\n"
            "add chain ip kube-proxy service-EAX6K5MY-ns/svc/tcp/p80\n"
            "flush chain ip kube-proxy service-EAX6K5MY-ns/svc/tcp/p80\n"
            "add rule ip kube-proxy service-EAX6K5MY-ns/svc/tcp/p80 meta l4proto tcp dnat ip addr . port to numgen random mod 1 map { 0 : 10.180.0.2 "
            ". 8080 }\n");

  table.update({"ns", "svc"}, nullptr, {});
  EXPECT_EQ(table.ruleset().take_transaction(),
            "delete element ip kube-proxy cluster-ips { 172.30.0.41 }\n"
            "delete element ip kube-proxy service-ips { 172.30.0.41 . tcp . 80 }\n"
            "add chain ip kube-proxy service-EAX6K5MY-ns/svc/tcp/p80\n"
            "flush chain ip kube-proxy service-EAX6K5MY-ns/svc/tcp/p80\n");
  EXPECT_TRUE(table.ruleset().has_stale_chains());
  // Wanted again before it was deleted: it stays.
  put(table, parse(service(spec) + slice(two_nodes)));
  (void)table.ruleset().take_transaction();
  EXPECT_EQ(table.ruleset().take_stale_chains(), "");
}

TEST(TableChanges, EndpointsComeAndGo) {
  const std::string spec = "ports: [{name: p80, port: 80, protocol: TCP}]";
  Table table = filled(config(), service(spec));
  (void)table.ruleset().take_transaction();
  put(table, parse(service(spec) + slice(other_node)));
  EXPECT_EQ(brief(table.ruleset().take_transaction()),
            "delete element no-endpoint-services { 172.30.0.41 . tcp . 80 }\n"
            "add chain service-EAX6K5MY-ns/svc/tcp/p80\n"
            "add rule service-EAX6K5MY-ns/svc/tcp/p80 meta l4proto tcp dnat ip addr . port to numgen random mod 1 map { 0 : 10.180.0.2 . 8080 }\n"
            "add element service-ips { 172.30.0.41 . tcp . 80 : goto service-EAX6K5MY-ns/svc/tcp/p80 }\n");
}

// Two services may ask for one address and port: one has it, and when that goes the other gets it.
TEST(TableChanges, SharedExternalIp) {
  const auto named = [](std::string name) {
    std::string text = service("externalIPs: [192.168.99.22], ports: [{port: 80, protocol: TCP}]");
    return text.replace(text.find("name: svc"), 9, "name: " + name);
  };
  Table table = filled(config(), named("a") + named("b"));
  EXPECT_NE(table.ruleset().take_transaction().find("192.168.99.22 . tcp . 80 comment \"ns/a\" : goto reject-chain"), std::string::npos);
  table.update({"ns", "a"}, nullptr, {});
  const std::string text = table.ruleset().take_transaction();
  EXPECT_TRUE(text.starts_with("delete element ip kube-proxy no-endpoint-services { 172.30.0.41 . tcp . 80, 192.168.99.22 . tcp . 80 }")) << text;
  EXPECT_NE(text.find("192.168.99.22 . tcp . 80 comment \"ns/b\" : goto reject-chain"), std::string::npos) << text;
}

TEST(TableChanges, AffinityTimeoutMakesTheSetAnew) {
  const auto with_timeout = [](int seconds) {
    return service("sessionAffinity: ClientIP, sessionAffinityConfig: {clientIP: {timeoutSeconds: " + std::to_string(seconds) +
                   "}}, ports: [{name: p80, port: 80, protocol: TCP}]") +
           slice(other_node);
  };
  Table table = filled(config(), with_timeout(100));
  (void)table.ruleset().take_transaction();
  put(table, parse(with_timeout(50)));
  const std::string text = table.ruleset().take_transaction();
  const auto flush = text.find("flush chain ip kube-proxy endpoint-"), gone = text.find("delete set ip kube-proxy affinity-"),
             made = text.find("timeout 50s");
  EXPECT_TRUE(flush < gone && gone < made && made != std::string::npos) << text;
}

TEST(TableFacts, HealthChecksAndMetrics) {
  Table table = filled(config(), service("type: LoadBalancer, externalTrafficPolicy: Local, healthCheckNodePort: 32000, ports: [{name: p80, port: "
                                         "80, nodePort: 3001, protocol: TCP}]") +
                                     slice(two_nodes));
  ASSERT_EQ(table.health_checks().size(), 1u);
  EXPECT_EQ(table.health_checks().begin()->second, (HealthCheck{32000, 1}));
  EXPECT_EQ(table.ruleset().no_local_external(), 0u);
  put(table, parse(service("type: LoadBalancer, externalTrafficPolicy: Local, internalTrafficPolicy: Local, healthCheckNodePort: 32000, ports: "
                           "[{name: p80, port: 80, nodePort: 3001, protocol: TCP}]") +
                   slice(other_node)));
  EXPECT_EQ(table.health_checks().begin()->second, (HealthCheck{32000, 0}));
  EXPECT_EQ(table.ruleset().no_local_external(), 1u);
  EXPECT_EQ(table.ruleset().no_local_internal(), 1u);
  table.update({"ns", "svc"}, nullptr, {});
  EXPECT_TRUE(table.health_checks().empty());
  EXPECT_EQ(table.ruleset().no_local_external(), 0u);
}

}  // namespace
}  // namespace pintle::proxy::nftables

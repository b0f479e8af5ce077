#include "controller/endpointslice/plan.h"

#include <gtest/gtest.h>

#include "controller/testing/text_objects.h"

namespace pintle::controller::endpointslice {
namespace {

using namespace testing;
using api::core_v1::Node;
using api::core_v1::Service;

// Nodes n1 and n2, in zones z1 and z2; others are not known.
std::shared_ptr<const Node> node_of(const std::string& name) {
  if (name != "n1" && name != "n2") return nullptr;
  return shared_from_yaml<Node>("{metadata: {name: " + name + ", labels: {topology.kubernetes.io/zone: z" + name.substr(1) + "}}}");
}

// An endpoint "10.0.0.1", with "!" where it is not ready, "~" where it serves all the same, "-" where it is on its way out.
std::string text_of(const api::discovery_v1::Endpoint& endpoint) {
  std::string out = endpoint.conditions.ready.value_or(false) ? "" : "!";
  if (endpoint.conditions.serving.value_or(false) != endpoint.conditions.ready.value_or(false)) out += "~";
  if (endpoint.conditions.terminating.value_or(false)) out += "-";
  for (const auto& address : endpoint.addresses) out += address;
  return out;
}
// "IPv4[8080/TCP] 10.0.0.1 ..."; past four endpoints their number.
std::string text_of(const EndpointSlice& slice) {
  Words words;
  std::string ports;
  for (const auto& port : slice.ports) ports += (ports.empty() ? "" : " ") + std::to_string(port.port.value_or(0)) + "/" + port.protocol.value_or("");
  words.add(slice.address_type + "[" + ports + "]");
  if (slice.endpoints.size() > 4) {
    words.add("x" + std::to_string(slice.endpoints.size()));
  } else {
    for (const auto& endpoint : slice.endpoints) words.add(text_of(endpoint));
  }
  return words.text();
}
std::string text_of(const Plan& plan) {
  Words out;
  for (const auto& slice : plan.create) out.add("create(" + text_of(slice) + ")");
  for (const auto& slice : plan.update) out.add("update(" + slice.metadata.name + ": " + text_of(slice) + ")");
  out.add("remove", names_of(plan.remove));
  return out.text();
}

Plan plan_of(const Service& service, const std::string& pods, const std::vector<SlicePtr>& slices, std::size_t endpoints_max = 100) {
  return plan_slices({service, pods_of(pods), slices, node_of, endpoints_max});
}
// The slices of `pods` and no others, named s0, s1 ...
std::vector<SlicePtr> slices_of(const Service& service, const std::string& pods, std::size_t endpoints_max = 100) {
  std::vector<SlicePtr> out;
  for (auto& slice : plan_of(service, pods, {}, endpoints_max).create) {
    slice.metadata.name = "s" + std::to_string(out.size());
    out.push_back(std::make_shared<const EndpointSlice>(std::move(slice)));
  }
  return out;
}

const std::string http = "{ports: [{name: http, port: 80, targetPort: 8080, protocol: TCP}]}";

void check(const std::string& spec, const std::string& pods, const std::string& want) {
  EXPECT_EQ(text_of(plan_of(service_of(spec), pods, {})), want) << spec << " with " << pods;
}
void check_change(const std::string& before, const std::string& now, const std::string& want, std::size_t endpoints_max = 100) {
  const Service service = service_of(http);
  EXPECT_EQ(text_of(plan_of(service, now, slices_of(service, before, endpoints_max), endpoints_max)), want) << before << " then " << now;
}
// Pods p0 ... of addresses 10.1.*.
std::string many(int count, int from = 0) {
  std::string pods;
  for (int i = from; i < from + count; ++i)
    pods += "p" + std::to_string(i) + " @n1 ready ip=10.1." + std::to_string(i / 250) + "." + std::to_string(i % 250) + ",";
  return pods;
}

TEST(EndpointSlicePlan, Conditions) {
  check(http, "a @n1 ready ip=10.0.0.1", "create(IPv4[8080/TCP] 10.0.0.1)");
  check(http, "a @n1 running ip=10.0.0.1", "create(IPv4[8080/TCP] !10.0.0.1)");
  check(http, "a @n1 ready ip=10.0.0.1 deleted", "create(IPv4[8080/TCP] !~-10.0.0.1)");  // serving, terminating
  check(http, "a @n1 running ip=10.0.0.1 deleted", "create(IPv4[8080/TCP] !-10.0.0.1)");
  const std::string published = "{publishNotReadyAddresses: true, ports: [{port: 80, targetPort: 80, protocol: TCP}]}";
  check(published, "a @n1 running ip=10.0.0.1", "create(IPv4[80/TCP] ~10.0.0.1)");
  check(published, "a @n1 running ip=10.0.0.1 deleted", "create(IPv4[80/TCP] ~-10.0.0.1)");
}

TEST(EndpointSlicePlan, PodsThatAreNone) {
  check(http, "a @n1 failed ip=10.0.0.1, b @n1 succeeded ip=10.0.0.2, c @n1 ready", "create(IPv4[])");
  check(http, "a @n9 ready ip=10.0.0.1", "create(IPv4[])");  // its node is not known: it comes with the node
  check("{publishNotReadyAddresses: true, ports: [{port: 80, targetPort: 80, protocol: TCP}]}", "a @n9 ready ip=10.0.0.1",
        "create(IPv4[80/TCP] 10.0.0.1)");
}

TEST(EndpointSlicePlan, AServiceWithoutPodsHasOneEmptySlice) {
  check(http, "", "create(IPv4[])");
  const Service service = service_of(http);
  EXPECT_EQ(text_of(plan_of(service, "", slices_of(service, ""))), "");
  check_change("a @n1 ready ip=10.0.0.1", "", "update(s0: IPv4[])");
  check_change("", "a @n1 ready ip=10.0.0.1", "update(s0: IPv4[8080/TCP] 10.0.0.1)");
}

TEST(EndpointSlicePlan, Families) {
  const std::string both = "a @n1 ready ip=10.0.0.1 ip=fd00::1";
  check("{ipFamilies: [IPv4, IPv6], ports: [{port: 80, targetPort: 80, protocol: TCP}]}", both,
        "create(IPv4[80/TCP] 10.0.0.1) create(IPv6[80/TCP] fd00::1)");
  check("{ipFamilies: [IPv6], ports: [{port: 80, targetPort: 80, protocol: TCP}]}", both, "create(IPv6[80/TCP] fd00::1)");
  check("{ipFamilies: [IPv6], ports: [{port: 80, targetPort: 80, protocol: TCP}]}", "a @n1 ready ip=10.0.0.1", "create(IPv6[])");
  // A family that the service has no more.
  const auto slices = slices_of(service_of("{ipFamilies: [IPv4, IPv6], ports: [{port: 80, targetPort: 80, protocol: TCP}]}"), both);
  EXPECT_EQ(text_of(plan_of(service_of("{ipFamilies: [IPv4], ports: [{port: 80, targetPort: 80, protocol: TCP}]}"), both, slices)), "remove(s1)");
}

TEST(EndpointSlicePlan, ASliceForEachSetOfPorts) {
  const std::string named = "{ports: [{name: http, port: 80, targetPort: web, protocol: TCP}]}";
  check(named, "a @n1 ready ip=10.0.0.1 port=web:8080, b @n1 ready ip=10.0.0.2 port=web:8080", "create(IPv4[8080/TCP] 10.0.0.1 10.0.0.2)");
  check(named, "a @n1 ready ip=10.0.0.1 port=web:8080, b @n1 ready ip=10.0.0.2 port=web:8081",
        "create(IPv4[8080/TCP] 10.0.0.1) create(IPv4[8081/TCP] 10.0.0.2)");
  check("{clusterIP: None}", "a @n1 ready ip=10.0.0.1", "create(IPv4[] 10.0.0.1) create(IPv6[])");  // headless, of no stated family
}

// "endpoints slices/wanted +added -removed"
void check_census(const std::string& before, const std::string& now, const std::string& want, std::size_t endpoints_max = 100) {
  const Service service = service_of(http);
  const auto census = plan_of(service, now, slices_of(service, before, endpoints_max), endpoints_max).census;
  EXPECT_EQ(std::to_string(census.endpoints) + " " + std::to_string(census.slices) + "/" + std::to_string(census.slices_wanted) + " +" +
                std::to_string(census.added) + " -" + std::to_string(census.removed),
            want)
      << before << " to " << now;
}

TEST(EndpointSlicePlan, Census) {
  check_census("", "", "0 1/1 +0 -0");
  check_census("", many(250), "250 3/3 +250 -0");
  check_census(many(250), many(250), "250 3/3 +0 -0");
  check_census(many(250), many(100), "100 3/1 +0 -150");
  check_census("a @n1 ready ip=10.0.0.1", "b @n1 ready ip=10.0.0.2", "1 1/1 +1 -1");
  check_census("a @n1 ready ip=10.0.0.1", "", "0 1/1 +0 -1");
}

TEST(EndpointSlicePlan, NothingChanges) {
  check_change("a @n1 ready ip=10.0.0.1, b @n2 running ip=10.0.0.2", "b @n2 running ip=10.0.0.2, a @n1 ready ip=10.0.0.1", "");
  check_change(many(250), many(250), "");
}

TEST(EndpointSlicePlan, Changes) {
  check_change("a @n1 ready ip=10.0.0.1", "a @n1 running ip=10.0.0.1", "update(s0: IPv4[8080/TCP] !10.0.0.1)");
  check_change("a @n1 ready ip=10.0.0.1", "b @n1 ready ip=10.0.0.2", "update(s0: IPv4[8080/TCP] 10.0.0.2)");
  check_change("a @n1 ready ip=10.0.0.1, b @n1 ready ip=10.0.0.2", "a @n1 ready ip=10.0.0.1", "update(s0: IPv4[8080/TCP] 10.0.0.1)");
  check_change("a @n1 ready ip=10.0.0.1", "a @n1 ready ip=10.0.0.1, b @n1 ready ip=10.0.0.2", "update(s0: IPv4[8080/TCP] 10.0.0.1 10.0.0.2)");
}

TEST(EndpointSlicePlan, AHundredInASlice) {
  const Service service = service_of(http);
  EXPECT_EQ(text_of(plan_of(service, many(250), {})), "create(IPv4[8080/TCP] x100) create(IPv4[8080/TCP] x100) create(IPv4[8080/TCP] x50)");
  check_change(many(150), many(200), "update(s1: IPv4[8080/TCP] x100)");  // the one with room for all
  check_change(many(100), many(101), "create(IPv4[8080/TCP] 10.1.0.100)");
  check_change(many(150), many(210), "create(IPv4[8080/TCP] x60)");  // no slice has room for all of them: a new one, and one write
  check_change(many(6), many(2), "remove(s1 s2)", 2);
  check_change(many(6), many(4) + many(1, 9), "update(s2: IPv4[8080/TCP] 10.1.0.9)", 2);  // what goes makes room for what comes
}

TEST(EndpointSlicePlan, LabelsAndOwner) {
  Service service = service_of("{clusterIP: None, ipFamilies: [IPv4]}");
  service.metadata.labels["app"] = "web";
  const auto slices = slices_of(service, "");
  ASSERT_EQ(slices.size(), 1u);
  Words labels;
  for (const auto& [key, value] : slices[0]->metadata.labels) labels.add(key + "=" + value);
  EXPECT_EQ(labels.text(),
            "app=web endpointslice.kubernetes.io/managed-by=endpointslice-controller.k8s.io kubernetes.io/service-name=web "
            "service.kubernetes.io/headless=");
  EXPECT_EQ(slices[0]->metadata.owner_references[0].kind + "/" + slices[0]->metadata.owner_references[0].uid, "Service/s");
  EXPECT_EQ(slices[0]->metadata.generate_name, "web-");
  // The service's labels change: the slices follow.
  Service plain = service_of(http);
  const auto full = slices_of(plain, "a @n1 ready ip=10.0.0.1");
  plain.metadata.labels["app"] = "other";
  const Plan plan = plan_of(plain, "a @n1 ready ip=10.0.0.1", full);
  ASSERT_EQ(plan.update.size(), 1u);
  EXPECT_EQ(*plan.update[0].metadata.labels.get("app"), "other");
}

TEST(EndpointSlicePlan, AFormerServicesSlicesGo) {
  const Service service = service_of(http);
  Service former = service;
  former.metadata.uid = "former";
  const auto slices = slices_of(former, "a @n1 ready ip=10.0.0.1");
  EXPECT_EQ(text_of(plan_of(service, "a @n1 ready ip=10.0.0.1", slices)), "create(IPv4[8080/TCP] 10.0.0.1) remove(s0)");
}

TEST(EndpointSlicePlan, ADeletedServiceMakesNone) {
  Service service = service_of(http);
  service.metadata.deletion_timestamp = ago(0);
  EXPECT_EQ(text_of(plan_of(service, "a @n1 ready ip=10.0.0.1", {})), "");
}

// Host name, node, zone and hints of the first endpoint.
void check_endpoint(const std::string& spec, const std::string& pod, const std::string& want) {
  const auto plan = plan_of(service_of(spec), pod, {});
  ASSERT_EQ(plan.create.size(), 1u);
  ASSERT_EQ(plan.create[0].endpoints.size(), 1u);
  const auto& endpoint = plan.create[0].endpoints[0];
  Words out;
  out.add(endpoint.hostname.value_or("-") + " " + endpoint.node_name.value_or("-") + " " + endpoint.zone.value_or("-"));
  if (endpoint.hints) {
    for (const auto& zone : endpoint.hints->for_zones) out.add("zone:" + zone.name);
    for (const auto& node : endpoint.hints->for_nodes) out.add("node:" + node.name);
  }
  EXPECT_EQ(out.text(), want) << spec << " " << pod;
}

TEST(EndpointSlicePlan, EndpointsSayWhereTheyAre) {
  const auto with = [](const std::string& distribution) {
    return "{trafficDistribution: " + distribution + ", ports: [{port: 80, targetPort: 80, protocol: TCP}]}";
  };
  check_endpoint(http, "a @n1 ready ip=10.0.0.1", "- n1 z1");
  check_endpoint(http, "a @n2 ready ip=10.0.0.1 host=h.web", "h n2 z2");
  check_endpoint(http, "a @n2 ready ip=10.0.0.1 host=h.other", "- n2 z2");
  check_endpoint(with("PreferClose"), "a @n1 ready ip=10.0.0.1", "- n1 z1 zone:z1");
  check_endpoint(with("PreferSameZone"), "a @n1 ready ip=10.0.0.1", "- n1 z1 zone:z1");
  check_endpoint(with("PreferSameNode"), "a @n1 ready ip=10.0.0.1", "- n1 z1 zone:z1 node:n1");
  check_endpoint(with("PreferClose"), "a @n1 running ip=10.0.0.1", "- n1 z1");  // hints are for those that are ready
  check_endpoint(with("Other"), "a @n1 ready ip=10.0.0.1", "- n1 z1");
}

}  // namespace
}  // namespace pintle::controller::endpointslice

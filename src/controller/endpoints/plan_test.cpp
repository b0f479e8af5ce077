#include "controller/endpoints/plan.h"

#include <gtest/gtest.h>

#include "controller/testing/text_objects.h"

namespace pintle::controller::endpoints {
namespace {

using namespace testing;
using api::core_v1::Service;

// A subset "[http:80/TCP] 10.0.0.1 10.0.0.2 | 10.0.0.3", those that are not ready after the bar.
std::string text_of(const std::vector<EndpointSubset>& subsets) {
  std::string out;
  for (const EndpointSubset& subset : subsets) {
    Words words;
    std::string ports;
    for (const auto& port : subset.ports)
      ports += (ports.empty() ? "" : " ") + (port.name.empty() ? "" : port.name + ":") + std::to_string(port.port) + "/" + port.protocol;
    words.add("[" + ports + "]");
    for (const auto& address : subset.addresses) words.add(address.ip);
    if (!subset.not_ready_addresses.empty()) words.add("|");
    for (const auto& address : subset.not_ready_addresses) words.add(address.ip);
    out += (out.empty() ? "" : "; ") + words.text();
  }
  return out;
}
void check(const std::string& spec, const std::string& pods, const std::string& want) {
  EXPECT_EQ(text_of(plan_endpoints(service_of(spec), pods_of(pods), {}).subsets), want) << spec << " with " << pods;
}

const std::string http = "{ports: [{name: http, port: 80, targetPort: 8080, protocol: TCP}]}";

TEST(EndpointsPlan, ReadyAndNotReady) {
  check(http, "", "");
  check(http, "a @n1 ready ip=10.0.0.1, b @n1 ready ip=10.0.0.2", "[http:8080/TCP] 10.0.0.1 10.0.0.2");
  check(http, "a @n1 ready ip=10.0.0.1, b @n1 running ip=10.0.0.2", "[http:8080/TCP] 10.0.0.1 | 10.0.0.2");
  check(http, "a @n1 pending ip=10.0.0.1", "[http:8080/TCP] | 10.0.0.1");
  check("{publishNotReadyAddresses: true, ports: [{port: 80, targetPort: 8080, protocol: TCP}]}", "a running ip=10.0.0.1", "[8080/TCP] 10.0.0.1");
}

TEST(EndpointsPlan, PodsThatAreNone) {
  check(http, "a ready", "");  // no address yet
  check(http, "a failed ip=10.0.0.1, b succeeded ip=10.0.0.2", "");
  check(http, "a ready ip=10.0.0.1 deleted", "");
  check("{publishNotReadyAddresses: true, ports: [{port: 80, targetPort: 80, protocol: TCP}]}", "a ready ip=10.0.0.1 deleted", "[80/TCP] 10.0.0.1");
}

TEST(EndpointsPlan, Ports) {
  const std::string two = "{ports: [{name: http, port: 80, targetPort: 8080, protocol: TCP}, {name: dns, port: 53, targetPort: 53, protocol: UDP}]}";
  check(two, "a ready ip=10.0.0.1", "[dns:53/UDP http:8080/TCP] 10.0.0.1");
  const std::string named = "{ports: [{port: 80, targetPort: web, protocol: TCP}]}";
  check(named, "a ready ip=10.0.0.1 port=web:8080, b ready ip=10.0.0.2 port=web:9090", "[8080/TCP] 10.0.0.1; [9090/TCP] 10.0.0.2");
  check(named, "a ready ip=10.0.0.1 port=web:8080, b ready ip=10.0.0.2 port=other:9090", "[8080/TCP] 10.0.0.1");
  check("{clusterIP: None}", "a ready ip=10.0.0.1, b running ip=10.0.0.2", "[] 10.0.0.1 | 10.0.0.2");  // headless: without ports
  check("{}", "a ready ip=10.0.0.1", "");
}

TEST(EndpointsPlan, TheFirstFamily) {
  const std::string both = "a ready ip=10.0.0.1 ip=fd00::1";
  check("{ipFamilies: [IPv4, IPv6], ports: [{port: 80, targetPort: 80, protocol: TCP}]}", both, "[80/TCP] 10.0.0.1");
  check("{ipFamilies: [IPv6, IPv4], ports: [{port: 80, targetPort: 80, protocol: TCP}]}", both, "[80/TCP] fd00::1");
  check("{clusterIP: 'fd00::9', ports: [{port: 80, targetPort: 80, protocol: TCP}]}", both, "[80/TCP] fd00::1");
  check("{ipFamilies: [IPv6], ports: [{port: 80, targetPort: 80, protocol: TCP}]}", "a ready ip=10.0.0.1", "");
}

TEST(EndpointsPlan, AnAddressNamesItsPod) {
  auto service = service_of(http);
  const auto planned = plan_endpoints(service, pods_of("a @n1 ready ip=10.0.0.1 host=h.web, b @n2 ready ip=10.0.0.2 host=h.other"), {});
  ASSERT_EQ(planned.subsets.size(), 1u);
  const auto& addresses = planned.subsets[0].addresses;
  ASSERT_EQ(addresses.size(), 2u);
  EXPECT_EQ(addresses[0].hostname + " " + *addresses[0].node_name + " " + addresses[0].target_ref->kind + "/" + addresses[0].target_ref->name,
            "h n1 Pod/a");
  EXPECT_EQ(addresses[1].hostname, "");  // another subdomain
}

TEST(EndpointsPlan, Labels) {
  const auto check_labels = [](const std::string& spec, const std::string& current, const std::string& want) {
    auto service = service_of(spec);
    service.metadata.labels["app"] = "web";
    Words out;
    for (const auto& [key, value] : plan_endpoints(service, {}, from_yaml<Endpoints>(current)).metadata.labels) out.add(key + "=" + value);
    EXPECT_EQ(out.text(), want);
  };
  check_labels(http, "{}", "app=web endpoints.kubernetes.io/managed-by=endpoint-controller");
  check_labels("{clusterIP: None}", "{}", "app=web endpoints.kubernetes.io/managed-by=endpoint-controller service.kubernetes.io/headless=");
  check_labels(http, "{metadata: {labels: {old: x}}}", "app=web endpoints.kubernetes.io/managed-by=endpoint-controller");
}

TEST(EndpointsPlan, NoMoreThanAThousand) {
  const auto sizes = [](int ready, int not_ready) {
    std::string pods;
    for (int i = 0; i < ready + not_ready; ++i)
      pods +=
          "p" + std::to_string(i) + (i < ready ? " ready" : " running") + " ip=10.1." + std::to_string(i / 250) + "." + std::to_string(i % 250) + ",";
    const auto planned = plan_endpoints(service_of(http), pods_of(pods), {});
    std::size_t listed = 0, unready = 0;
    for (const auto& subset : planned.subsets) {
      listed += subset.addresses.size();
      unready += subset.not_ready_addresses.size();
    }
    const std::string* over = planned.metadata.annotations.get("endpoints.kubernetes.io/over-capacity");
    return std::to_string(listed) + "+" + std::to_string(unready) + (over ? " " + *over : "");
  };
  EXPECT_EQ(sizes(600, 400), "600+400");
  EXPECT_EQ(sizes(600, 500), "600+400 truncated");  // those that are ready stay
  EXPECT_EQ(sizes(1100, 5), "1000+0 truncated");
}

// Subsets "80: a b | c; 81: d" of IPv4 addresses 10.0.0.N.
std::vector<EndpointSubset> subsets_of(const std::string& text) {
  std::vector<EndpointSubset> out;
  for (const std::string& one : split(text, ';')) {
    auto& subset = out.emplace_back();
    const auto colon = one.find(':');
    for (const std::string& port : split(one.substr(0, colon), ' ')) {
      auto& made = subset.ports.emplace_back();
      made.port = std::stoi(port);
      made.protocol = "TCP";
    }
    bool ready = true;
    for (const std::string& word : split(one.substr(colon + 1), ' ')) {
      if (word == "|") {
        ready = false;
      } else {
        (ready ? subset.addresses : subset.not_ready_addresses).emplace_back().ip = word.find('.') == word.npos ? "10.0.0." + word : word;
      }
    }
  }
  return out;
}
void check_repack(const std::string& subsets, const std::string& want) { EXPECT_EQ(text_of(repack(subsets_of(subsets))), want) << subsets; }

TEST(EndpointsPlan, Repacking) {
  check_repack("", "");
  check_repack("80: 2 1", "[80/TCP] 10.0.0.1 10.0.0.2");
  check_repack("80: 1; 81: 1", "[80/TCP 81/TCP] 10.0.0.1");    // the same addresses share a subset
  check_repack("80: 1; 80: 2", "[80/TCP] 10.0.0.1 10.0.0.2");  // the same ports too
  check_repack("80: 1; 81: 2", "[80/TCP] 10.0.0.1; [81/TCP] 10.0.0.2");
  check_repack("80: 1 | 2; 81: 1 2", "[81/TCP] 10.0.0.1 10.0.0.2; [80/TCP] 10.0.0.1 | 10.0.0.2");
  check_repack("80: | 1; 80: 1", "[80/TCP] 10.0.0.1");  // ready somewhere is ready
}

TEST(EndpointsPlan, WhatIsAChange) {
  const auto check_differ = [](const std::string& a, const std::string& b, bool want) {
    Endpoints left, right;
    left.subsets = subsets_of(a);
    right.subsets = subsets_of(b);
    EXPECT_EQ(differ(left, right), want) << a << " against " << b;
  };
  check_differ("80: 1 2", "80: 2 1", false);
  check_differ("80: 1; 81: 1", "80 81: 1", false);
  check_differ("80: 1", "80: | 1", true);
  check_differ("80: 1", "81: 1", true);
  Endpoints labelled;
  labelled.metadata.labels["a"] = "b";
  EXPECT_TRUE(differ({}, labelled));
}

// What a mirror does: "create(IPv4[80] 10.0.0.1 !10.0.0.2)", not ready ones with "!".
std::string text_of(const EndpointSlice& slice) {
  Words words;
  std::string ports;
  for (const auto& port : slice.ports) ports += (ports.empty() ? "" : " ") + std::to_string(port.port.value_or(0));
  words.add(slice.address_type + "[" + ports + "]");
  for (const auto& endpoint : slice.endpoints) words.add((endpoint.conditions.ready.value_or(false) ? "" : "!") + endpoint.addresses[0]);
  return words.text();
}
std::string text_of(const MirrorPlan& plan) {
  Words out;
  for (const auto& slice : plan.create) out.add("create(" + text_of(slice) + ")");
  for (const auto& slice : plan.update) out.add("update(" + slice.metadata.name + ": " + text_of(slice) + ")");
  out.add("remove", names_of(plan.remove));
  if (plan.invalid_addresses > 0) out.add("invalid(" + std::to_string(plan.invalid_addresses) + ")");
  if (plan.skipped_addresses > 0) out.add("skipped(" + std::to_string(plan.skipped_addresses) + ")");
  return out.text();
}
Endpoints mirrored(const std::string& subsets) {
  Endpoints out;
  out.metadata.name = "web";
  out.metadata.namespace_ = "default";
  out.metadata.uid = "e";
  out.subsets = subsets_of(subsets);
  return out;
}
// The slices that mirror `before`, named s0, s1 ...
std::vector<SlicePtr> slices_after(const std::string& before) {
  std::vector<SlicePtr> out;
  for (auto& slice : plan_mirror(mirrored(before), {}, 1000).create) {
    slice.metadata.name = "s" + std::to_string(out.size());
    out.push_back(std::make_shared<const EndpointSlice>(std::move(slice)));
  }
  return out;
}
void check_mirror(const std::string& before, const std::string& now, const std::string& want, int subset_max = 1000) {
  EXPECT_EQ(text_of(plan_mirror(mirrored(now), slices_after(before), subset_max)), want) << before << " then " << now;
}

TEST(EndpointsPlan, MirrorsWhatAUserWrote) {
  check_mirror("", "", "");
  check_mirror("", "80: 1 2 | 3", "create(IPv4[80] 10.0.0.1 10.0.0.2 !10.0.0.3)");
  check_mirror("80: 1 2", "80: 2 1", "");
  check_mirror("80: 1 2", "80: 1", "update(s0: IPv4[80] 10.0.0.1)");
  check_mirror("80: 1", "81: 1", "create(IPv4[81] 10.0.0.1) remove(s0)");
  check_mirror("80: 1", "", "remove(s0)");
  check_mirror("", "80: x.y", "invalid(1)");
  check_mirror("", "80: 1 2 3 | 4", "create(IPv4[80] 10.0.0.1 10.0.0.2) skipped(2)", 2);
  auto going = mirrored("80: 1");
  going.metadata.deletion_timestamp = ago(0);
  EXPECT_EQ(text_of(plan_mirror(going, {}, 1000)), "");
}

TEST(EndpointsPlan, AMirrorSaysWhoseItIs) {
  auto endpoints = mirrored("80: 1");
  endpoints.metadata.labels["app"] = "web";
  endpoints.metadata.annotations["note"] = "n";
  endpoints.metadata.annotations["kubectl.kubernetes.io/last-applied-configuration"] = "{}";
  endpoints.metadata.annotations["endpoints.kubernetes.io/last-change-trigger-time"] = "t";
  const auto plan = plan_mirror(endpoints, {}, 1000);
  ASSERT_EQ(plan.create.size(), 1u);
  Words labels, annotations;
  for (const auto& [key, value] : plan.create[0].metadata.labels) labels.add(key + "=" + value);
  for (const auto& [key, value] : plan.create[0].metadata.annotations) annotations.add(key);
  EXPECT_EQ(labels.text(), "app=web endpointslice.kubernetes.io/managed-by=endpointslicemirroring-controller.k8s.io kubernetes.io/service-name=web");
  EXPECT_EQ(annotations.text(), "note");
  EXPECT_EQ(plan.create[0].metadata.owner_references[0].kind, "Endpoints");
}

TEST(EndpointsPlan, WhatIsMirrored) {
  EXPECT_TRUE(is_mirrored(from_yaml<Endpoints>("{}")));
  EXPECT_FALSE(is_mirrored(from_yaml<Endpoints>("{metadata: {labels: {endpointslice.kubernetes.io/skip-mirror: 'true'}}}")));
  EXPECT_TRUE(is_mirrored(from_yaml<Endpoints>("{metadata: {labels: {endpointslice.kubernetes.io/skip-mirror: 'false'}}}")));
  EXPECT_FALSE(is_mirrored(from_yaml<Endpoints>("{metadata: {annotations: {control-plane.alpha.kubernetes.io/leader: '{}'}}}")));
}

}  // namespace
}  // namespace pintle::controller::endpoints

// The pure parts: what is known of claims, the record of it, which claims a pod's containers use, health.
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <gtest/gtest.h>

#include "kubelet/dynamic_resources/checkpoint.h"
#include "kubelet/dynamic_resources/device_health.h"
#include "kubelet/dynamic_resources/metrics.h"
#include "kubelet/dynamic_resources/pod_claims.h"
#include "kubelet/testing.h"
#include "rt/far_time.h"

namespace pintle::kubelet::dynamic_resources {
namespace {

using namespace std::chrono_literals;
using testing::pod_of;

ClaimInfo sample_claim(std::string name, std::string device, std::vector<std::string> requests = {"test request"}) {
  ClaimInfo out;
  out.namespace_name = "default";
  out.name = std::move(name);
  out.uid = "067798be-454e-4be4-9047-1aa06aea63f7";
  out.pods = {"139cdb46-f989-4f17-9561-ca10cfb509a6"};
  PreparedDevice& one = out.drivers["test-driver.cdi.k8s.io"].emplace_back();
  one.pool = "worker-1";
  one.device = std::move(device);
  one.requests = std::move(requests);
  one.cdi_devices = {"example.com/example=cdi-example"};
  return out;
}

// What upstream's own tests of its checkpoint write.
constexpr std::string_view upstreams =
    R"({"Data":"{\"kind\":\"DRACheckpoint\",\"apiVersion\":\"checkpoint.dra.kubelet.k8s.io/v1\",\"ClaimInfoStateList\":[{\"ClaimUID\":\"067798be-454e-4be4-9047-1aa06aea63f7\",\"ClaimName\":\"example\",\"Namespace\":\"default\",\"PodUIDs\":{\"139cdb46-f989-4f17-9561-ca10cfb509a6\":{}},\"DriverState\":{\"test-driver.cdi.k8s.io\":{\"Devices\":[{\"PoolName\":\"worker-1\",\"DeviceName\":\"dev-1\",\"ShareID\":null,\"RequestNames\":[\"test request\"],\"CDIDeviceIDs\":[\"example.com/example=cdi-example\"]}]}}}]}","Checksum":2570581864})";

TEST(ClaimsFile, IsUpstreams) {
  const ClaimInfo wanted = sample_claim("example", "dev-1");
  const auto read = decode_claims(upstreams);
  ASSERT_TRUE(read) << read.error().message;
  const ClaimInfo* got = read->find("default/example");
  ASSERT_TRUE(got);
  EXPECT_EQ(got->uid, wanted.uid);
  EXPECT_EQ(got->pods, wanted.pods);
  EXPECT_EQ(got->drivers, wanted.drivers);
  EXPECT_FALSE(got->prepared);
}

TEST(ClaimsFile, KeepsAll) {
  ClaimInfos claims;
  ClaimInfo two = sample_claim("two", "dev-2", {});
  two.drivers["test-driver.cdi.k8s.io"][0].share_id = "s";
  two.drivers["test-driver.cdi.k8s.io"][0].cdi_devices.clear();
  two.drivers["silent"];
  two.pods.insert("q");
  claims.put(std::move(two));
  const auto read = decode_claims(encode_claims(claims));
  ASSERT_TRUE(read);
  const ClaimInfo& got = *read->find("default/two");
  EXPECT_EQ(got.drivers, claims.find("default/two")->drivers);
  EXPECT_EQ(got.pods.size(), 2u);
  EXPECT_TRUE(decode_claims(encode_claims({}))->all().empty());
}

void check_refused(std::string text, Reason reason) {
  const auto read = decode_claims(text);
  ASSERT_FALSE(read) << text;
  EXPECT_EQ(read.error().reason, reason) << text;
}

TEST(ClaimsFile, RefusesOtherForms) {
  check_refused("", Reason::BadRequest);
  check_refused("[]", Reason::BadRequest);
  check_refused(R"({"Data":1,"Checksum":1})", Reason::BadRequest);
  check_refused(R"({"Data":"{}","Checksum":"x"})", Reason::BadRequest);
  check_refused(R"({"Data":"{}","Checksum":1})", Reason::Conflict);
  std::string other(upstreams);
  check_refused(other.replace(other.find("dev-1"), 5, "dev-2"), Reason::Conflict);
  // Of the right checksum, and not of its form.
  check_refused(R"({"Data":"{\"ClaimInfoStateList\":1}","Checksum":2106842390})", Reason::Conflict);
}

TEST(ClaimInfos, TellsWhoUsesWhat) {
  ClaimInfos claims;
  claims.put(sample_claim("a", "dev-1")).prepared = true;
  ClaimInfo other = sample_claim("b", "dev-2");
  other.pods = {"p", "q"};
  claims.put(std::move(other));
  const std::string uid = "139cdb46-f989-4f17-9561-ca10cfb509a6";
  EXPECT_EQ(fmt::format("{}", claims.keys_of("p")), R"(["default/b"])");
  EXPECT_EQ(claims.pods(), (std::set<std::string>{uid, "p", "q"}));
  EXPECT_EQ(claims.pods_with("test-driver.cdi.k8s.io", {"worker-1/dev-2"}), (std::vector<std::string>{"p", "q"}));
  EXPECT_TRUE(claims.pods_with("another", {"worker-1/dev-2"}).empty());
  EXPECT_EQ(fmt::format("{}", claims.in_use()), R"({"<any>": 1, "test-driver.cdi.k8s.io": 1})");
  claims.erase("default/a");
  EXPECT_FALSE(claims.find("default/a"));
}

std::string cdi_of(const ClaimInfo& claim, std::string_view request) {
  std::vector<std::string> out;
  add_cdi_devices(claim, request, out);
  return fmt::format("{}", fmt::join(out, " "));
}

TEST(ClaimInfos, GiveDevicesByRequest) {
  ClaimInfo claim = sample_claim("c", "d", {"r"});
  auto& devices = claim.drivers["test-driver.cdi.k8s.io"];
  devices.push_back({"p", "e", std::nullopt, {"s", "r"}, {"v/c=1", "v/c=2"}});
  devices.push_back({"p", "f", std::nullopt, {}, {"v/c=all"}});
  EXPECT_EQ(cdi_of(claim, ""), "example.com/example=cdi-example v/c=1 v/c=2 v/c=all");
  EXPECT_EQ(cdi_of(claim, "s"), "v/c=1 v/c=2 v/c=all");
  EXPECT_EQ(cdi_of(claim, "t"), "v/c=all");
}

TEST(ClaimInfos, BoundWhatDriversSay) {
  EXPECT_EQ(prepared_devices({})->size(), 0u);
  EXPECT_FALSE(prepared_devices(std::vector<api::dra_v1::Device>(claim_devices_max + 1)));
  api::dra_v1::Device one;
  one.device_name = std::string(device_word_bytes_max + 1, 'x');
  EXPECT_FALSE(prepared_devices({one}));
  one.device_name = "d";
  one.cdi_device_ids.assign(device_words_max + 1, "x");
  EXPECT_FALSE(prepared_devices({one}));
  one.cdi_device_ids.pop_back();
  EXPECT_TRUE(prepared_devices({one}));
}

constexpr auto* a_pod = R"(
metadata: {name: p, namespace: ns}
spec:
  resourceClaims: [{name: x, resourceClaimName: cx}, {name: z, resourceClaimTemplateName: t}, {name: none, resourceClaimTemplateName: t}]
  containers:
  - {name: a, resources: {claims: [{name: x}, {name: z, request: r}, {name: z, request: s}, {name: none}]}}
  - {name: b, resources: {requests: {e.test/d: 1, cpu: 1}, claims: []}}
  - {name: c, resources: {requests: {e.test/d: 0}}}
status:
  resourceClaimStatuses: [{name: z, resourceClaimName: p-z}, {name: none}]
  extendedResourceClaimStatus:
    resourceClaimName: ext
    requestMappings: [{containerName: b, resourceName: e.test/d, requestName: b0}, {containerName: c, resourceName: e.test/d, requestName: c0}]
)";

std::string claims_shown(std::string_view yaml, bool extended) {
  const auto claims = claims_of(pod_of(yaml), extended);
  if (!claims) return claims.error().message;
  std::string out;
  for (const auto& one : *claims) out += one.name + (one.check_owner ? "! " : " ");
  return out;
}

TEST(PodClaims, AreNamed) {
  EXPECT_EQ(claims_shown(a_pod, true), "cx p-z! ext ");
  EXPECT_EQ(claims_shown(a_pod, false), "cx p-z! ");
  EXPECT_EQ(claims_shown("{metadata: {name: p, namespace: ns}, spec: {resourceClaims: [{name: z, resourceClaimTemplateName: t}]}}", true),
            "pod \"ns/p\": ResourceClaim not created yet");
}

std::string requests_shown(std::size_t container, bool extended) {
  const auto pod = pod_of(a_pod);
  return fmt::format("{}", *requests_of(pod, pod.spec.containers[container], extended));
}

TEST(PodClaims, OfContainers) {
  EXPECT_EQ(requests_shown(0, true), R"({"cx": [], "p-z": [r, s]})");
  EXPECT_EQ(requests_shown(1, true), R"({"ext": [b0]})");
  EXPECT_EQ(requests_shown(1, false), "{}");
  EXPECT_EQ(requests_shown(2, true), "{}");
}

api::drahealth_v1alpha1::NodeWatchResourcesResponse report(std::vector<std::pair<std::string, int32_t>> devices, int64_t valid_seconds = 0) {
  api::drahealth_v1alpha1::NodeWatchResourcesResponse out;
  for (auto& [name, health] : devices) {
    auto& one = out.devices.emplace_back();
    one.device.ensure().pool_name = "p";
    one.device.ensure().device_name = name;
    one.health = health;
    one.health_check_timeout_seconds = valid_seconds;
    one.message = health == 2 ? "hot" : "";
  }
  return out;
}

std::string names(const DeviceHealths::Names& of) { return fmt::format("{}", fmt::join(of, " ")); }

TEST(DeviceHealths, AreBelievedForATime) {
  DeviceHealths healths;
  const rt::TimePoint begin{};
  EXPECT_EQ(names(*healths.tell("drv", report({{"a", 1}, {"b", 2}, {"c", 0}}), begin)), "p/a p/b p/c");
  EXPECT_EQ(healths.of("drv", "p", "a").health, "Healthy");
  EXPECT_EQ(healths.of("drv", "p", "b").health, "Unhealthy");
  EXPECT_EQ(healths.of("drv", "p", "b").message, "hot");
  EXPECT_EQ(healths.of("drv", "p", "x").health, "Unknown");
  EXPECT_EQ(healths.of("other", "p", "a").health, "Unknown");
  EXPECT_EQ(healths.next_expiry(), begin + 30s);
  // The same again is no change, and renews it.
  EXPECT_EQ(names(*healths.tell("drv", report({{"a", 1}}, 60), begin + 20s)), "");
  EXPECT_TRUE(healths.expire(begin + 30s).empty());
  EXPECT_EQ(names(healths.expire(begin + 30s + 1ms).at("drv")), "p/b");
  EXPECT_EQ(healths.of("drv", "p", "b").health, "Unknown");
  EXPECT_EQ(healths.of("drv", "p", "b").message, "");
  EXPECT_EQ(healths.next_expiry(), begin + 80s);
  EXPECT_EQ(names(*healths.tell("drv", report({{"a", 2}}), begin + 40s)), "p/a");
  EXPECT_EQ(names(healths.forget("drv")), "p/a p/b p/c");
  EXPECT_EQ(names(healths.forget("drv")), "");
  EXPECT_FALSE(healths.next_expiry());
}

TEST(DeviceHealths, AreBounded) {
  DeviceHealths healths;
  api::drahealth_v1alpha1::NodeWatchResourcesResponse many;
  many.devices.resize(reported_devices_max + 1);
  EXPECT_FALSE(healths.tell("drv", std::move(many), {}));
  auto one = report({{"a", 2}}, INT64_MAX);
  one.devices[0].message = std::string(1020, 'x') + "\xC3\xA4\xC3\xA4\xC3\xA4";
  EXPECT_TRUE(healths.tell("drv", std::move(one), {}));
  EXPECT_EQ(healths.of("drv", "p", "a").message, std::string(1020, 'x') + "...");
  EXPECT_TRUE(healths.expire(rt::TimePoint(std::chrono::hours(24 * 365))).empty());
}

TEST(DraMetrics, HaveUpstreamsBounds) {
  const auto bounds = duration_bounds();
  EXPECT_EQ(bounds.size(), 15u);
  EXPECT_DOUBLE_EQ(bounds.front(), 0.1);
  EXPECT_DOUBLE_EQ(bounds[7], 2.0);
  EXPECT_DOUBLE_EQ(bounds.back(), 40.0);
}

}  // namespace
}  // namespace pintle::kubelet::dynamic_resources

#include "apiserver/callout/service_resolver.h"

#include <gtest/gtest.h>

#include <set>

#include "api/gen/discovery_v1.h"
#include "apiserver/authentication/testing/fake_reader.h"

namespace pintle::apiserver::callout {
namespace {

namespace core = api::core_v1;
namespace discovery = api::discovery_v1;

core::Service service(const std::string& name, const std::string& type, const std::string& cluster_ip) {
  core::Service out;
  out.metadata.namespace_ = "ns";
  out.metadata.name = name;
  out.spec.type = type;
  out.spec.cluster_ip = cluster_ip;
  auto& port = out.spec.ports.emplace_back();
  port.name = "https";
  port.port = 443;
  return out;
}

discovery::EndpointSlice slice(const std::string& name, const std::string& family, std::vector<std::string> addresses, bool ready = true) {
  discovery::EndpointSlice out;
  out.metadata.namespace_ = "ns";
  out.metadata.name = name + family;
  out.metadata.labels["kubernetes.io/service-name"] = name;
  out.address_type = family;
  for (const std::string& address : addresses) {
    auto& one = out.endpoints.emplace_back();
    one.addresses = {address};
    one.conditions.ready = ready;
  }
  auto& port = out.ports.emplace_back();
  port.name = "https";
  port.port = 8443;
  return out;
}

class ServiceResolverTest : public ::testing::Test {
 protected:
  std::string resolve(bool by_endpoints, const std::string& name, int32_t port = 443, const std::string& ns = "ns") {
    const ServiceResolver resolver(reader_, random_, by_endpoints, "https://127.0.0.1:6443");
    auto found = resolver.resolve({ns, name, port});
    return found ? *found : std::string(reason_name(found.error().reason)) + ": " + found.error().message;
  }
  apiserver::testing::FakeReader reader_;
  apiserver::testing::FakeRandom random_;
};

TEST_F(ServiceResolverTest, ByClusterIp) {
  reader_.put({"", "services"}, service("web", "ClusterIP", "10.0.0.7"));
  reader_.put({"", "services"}, service("six", "NodePort", "fd00::7"));
  reader_.put({"", "services"}, service("headless", "ClusterIP", "None"));
  auto external = service("away", "ExternalName", "");
  external.spec.external_name = "hooks.example.com";
  reader_.put({"", "services"}, external);
  EXPECT_EQ(resolve(false, "web"), "https://10.0.0.7:443");
  EXPECT_EQ(resolve(false, "six"), "https://[fd00::7]:443");
  EXPECT_EQ(resolve(false, "away", 9443), "https://hooks.example.com:9443");
  EXPECT_EQ(resolve(false, "headless"), "InternalError: cannot route to service with ClusterIP \"None\"");
  EXPECT_EQ(resolve(false, "web", 80), "ServiceUnavailable: no service port 80 found for service \"web\"");
  EXPECT_EQ(resolve(false, "none"), "NotFound: service \"none\" not found");
  EXPECT_EQ(resolve(false, "kubernetes", 443, "default"), "https://127.0.0.1:6443");
  EXPECT_EQ(resolve(false, "kubernetes", 444, "default"), "NotFound: service \"kubernetes\" not found");
}

TEST_F(ServiceResolverTest, ByEndpoints) {
  auto web = service("web", "ClusterIP", "None");
  web.spec.ip_families = {"IPv6"};
  reader_.put({"", "services"}, web);
  EXPECT_EQ(resolve(true, "web"), "ServiceUnavailable: no endpoints available for service \"web\"");
  reader_.put({"discovery.k8s.io", "endpointslices"}, slice("web", "IPv4", {"10.1.0.1", "10.1.0.2"}));
  reader_.put({"discovery.k8s.io", "endpointslices"}, slice("other", "IPv4", {"10.2.0.1"}));
  std::set<std::string> seen;
  for (int i = 0; i < 50; ++i) seen.insert(resolve(true, "web"));
  EXPECT_EQ(seen, (std::set<std::string>{"https://10.1.0.1:8443", "https://10.1.0.2:8443"})) << "any endpoint of the service, and no other's";
  reader_.put({"discovery.k8s.io", "endpointslices"}, slice("web", "IPv6", {"fd01::1"}));
  for (int i = 0; i < 20; ++i) EXPECT_EQ(resolve(true, "web"), "https://[fd01::1]:8443") << "the primary family comes first";
  reader_.put({"discovery.k8s.io", "endpointslices"}, slice("web", "IPv6", {"fd01::1"}, false));
  EXPECT_TRUE(resolve(true, "web").starts_with("https://10.1.0.")) << "what is not ready is not asked";
  auto external = service("away", "ExternalName", "");
  reader_.put({"", "services"}, external);
  EXPECT_EQ(resolve(true, "away"), "InternalError: unsupported service type \"ExternalName\"");
}

}  // namespace
}  // namespace pintle::apiserver::callout

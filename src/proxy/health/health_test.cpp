#include <gtest/gtest.h>

#include "proxy/conntrack.h"
#include "proxy/conntrack_settings.h"
#include "proxy/health/proxy_health.h"
#include "proxy/health/service_health.h"

namespace pintle::proxy::health {
namespace {

rt::WallTime at(int64_t ms) { return rt::WallTime(std::chrono::milliseconds(ms)); }

TEST(ProxyHealth, UnhealthyWhileAChangeWaitsTooLong) {
  health::ProxyHealth health(std::chrono::seconds(60));
  health.updated(Family::IPv4, at(1'000));
  health.updated(Family::IPv6, at(1'500));
  EXPECT_TRUE(health.healthy(at(1'000'000)));  // nothing waits
  health.queued(Family::IPv4, at(10'000));
  health.queued(Family::IPv4, at(60'000));  // the oldest counts
  EXPECT_TRUE(health.healthy(at(69'999)));
  EXPECT_FALSE(health.healthy(at(70'000)));
  EXPECT_EQ(health.page(at(70'000), false),
            "{\"lastUpdated\":\"1970-01-01T00:00:01.5Z\",\"currentTime\":\"1970-01-01T00:01:10Z\",\"healthy\":false,\"status\":{"
            "\"IPv4\":{\"lastUpdated\":\"1970-01-01T00:00:01Z\",\"healthy\":false},\"IPv6\":{\"lastUpdated\":\"1970-01-01T00:00:01.5Z\",\"healthy\":"
            "true}}}");
  health.updated(Family::IPv4, at(71'000));
  EXPECT_TRUE(health.healthy(at(200'000)));
}

TEST(ProxyHealth, NodeEligibility) {
  health::ProxyHealth health(std::chrono::seconds(60));
  EXPECT_EQ(health.page(at(0), true),
            "{\"lastUpdated\":\"0001-01-01T00:00:00Z\",\"currentTime\":\"1970-01-01T00:00:00Z\",\"nodeEligible\":false,\"healthy\":true}");
  health.set_node_eligible(true);
  EXPECT_EQ(health.page(at(5'000), true),
            "{\"lastUpdated\":\"1970-01-01T00:00:05Z\",\"currentTime\":\"1970-01-01T00:00:05Z\",\"nodeEligible\":true,\"healthy\":true}");
}

TEST(ServiceHealth, Page) {
  EXPECT_EQ(health::service_page({"ns", "svc"}, 2, true).status, 200);
  EXPECT_EQ(health::service_page({"ns", "svc"}, 0, true).status, 503);
  EXPECT_EQ(health::service_page({"ns", "svc"}, 2, false).status, 503);
  EXPECT_EQ(
      health::service_page({"ns", "svc"}, 2, true).body,
      "{\n\t\"service\": {\n\t\t\"namespace\": \"ns\",\n\t\t\"name\": \"svc\"\n\t},\n\t\"localEndpoints\": 2,\n\t\"serviceProxyHealthy\": true\n}");
}

os::ConntrackFlow flow(std::string_view to, uint16_t port, std::string_view from, uint16_t from_port) {
  os::ConntrackFlow out;
  out.original_destination = parse_address(to)->bytes;
  out.original_port = port;
  out.reply_source = parse_address(from)->bytes;
  out.reply_port = from_port;
  return out;
}

TEST(Conntrack, ForgetsFlowsToEndpointsThatAreGone) {
  nftables::UdpFrontend dns;
  dns.addresses = {*parse_address("10.96.0.10"), *parse_address("1.2.3.4")};
  dns.port = 53;
  dns.node_port = 30053;
  dns.serving = {{*parse_address("10.42.0.5"), 5353}};
  const std::vector<nftables::UdpFrontend> frontends = {dns};
  const auto is_stale = [&](os::ConntrackFlow one) { return stale_flows(Family::IPv4, {one}, frontends).size() == 1; };
  EXPECT_FALSE(is_stale(flow("10.96.0.10", 53, "10.42.0.5", 5353)));
  EXPECT_TRUE(is_stale(flow("10.96.0.10", 53, "10.42.0.6", 5353)));
  EXPECT_TRUE(is_stale(flow("10.96.0.10", 53, "10.42.0.5", 53)));
  EXPECT_TRUE(is_stale(flow("10.96.0.10", 53, "10.96.0.10", 53)));  // never translated: sent before there was a rule
  EXPECT_TRUE(is_stale(flow("1.2.3.4", 53, "10.42.0.6", 5353)));
  EXPECT_TRUE(is_stale(flow("192.168.0.1", 30053, "10.42.0.6", 5353)));
  EXPECT_FALSE(is_stale(flow("192.168.0.1", 30053, "10.42.0.5", 5353)));
  EXPECT_FALSE(is_stale(flow("10.96.0.11", 53, "10.42.0.6", 5353)));  // somebody else's
  EXPECT_FALSE(is_stale(flow("8.8.8.8", 53, "8.8.8.8", 53)));
}

TEST(ConntrackSettings, WritesWhatDiffers) {
  api::kubeproxyconfig_v1alpha1::KubeProxyConntrackConfiguration config;
  config.max_per_core = 32768;
  config.min = 131072;
  config.tcp_established_timeout = api::Duration{86400'000'000'000};
  config.tcp_be_liberal = true;
  const auto plan = [&](std::size_t cores, int64_t maximum, int64_t established, int64_t liberal) {
    std::string out;
    for (const auto& write : plan_conntrack(config, cores, [&](const std::string& path) -> std::optional<int64_t> {
           if (path.ends_with("_max")) return maximum;
           if (path.ends_with("_established")) return established;
           if (path.ends_with("_liberal")) return liberal;
           return std::nullopt;
         }))
      out += write.path.substr(write.path.rfind("nf_conntrack_") + 13) + "=" + std::to_string(write.value) + " ";
    return out;
  };
  EXPECT_EQ(plan(2, 65536, 432000, 0), "max=131072 tcp_timeout_established=86400 tcp_be_liberal=1 ");
  EXPECT_EQ(plan(16, 65536, 86400, 1), "max=524288 ");
  EXPECT_EQ(plan(2, 262144, 86400, 1), "");  // never made smaller
  config.max_per_core = 0;
  EXPECT_EQ(plan(2, 1, 86400, 1), "");
}

}  // namespace
}  // namespace pintle::proxy::health

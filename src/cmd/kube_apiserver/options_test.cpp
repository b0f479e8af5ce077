#include <gtest/gtest.h>

#include "cmd/kube_apiserver/command.h"
#include "cmd/kube_apiserver/flags.h"
#include "cmd/testing.h"

namespace pintle::cmd {
namespace {

Result<apiserver::ApiServerOptions> options_of(const std::vector<std::string>& arguments) {
  return api_server_options(testing::flags_of(kube_apiserver_flags(), arguments));
}

TEST(ApiServerOptions, FrontProxies) {
  const auto options =
      options_of({"--requestheader-client-ca-file=/ca", "--requestheader-allowed-names=a,b", "--requestheader-username-headers=X-Remote-User",
                  "--requestheader-uid-headers=x-remote-uid", "--proxy-client-cert-file=/c", "--proxy-client-key-file=/k"});
  ASSERT_TRUE(options) << options.error().message;
  EXPECT_EQ(options->requestheader_allowed_names, (std::vector<std::string>{"a", "b"}));
  EXPECT_TRUE(options->aggregator_reject_forwarding_redirect);
  EXPECT_FALSE(options->enable_aggregator_routing);
  const std::pair<const char*, const char*> bad[] = {
      {"--requestheader-group-headers= ", "empty value in \"requestheader-group-headers\""},
      {"--requestheader-uid-headers=X-Uid",
       "--requestheader-uid-headers is set without specifying the standard X-Remote-Uid header - API aggregation will not work"},
      {"--proxy-client-key-file=/k", "--proxy-client-cert-file and --proxy-client-key-file go together"}};
  for (const auto& [flag, why] : bad) {
    const auto refused = options_of({flag});
    ASSERT_FALSE(refused) << flag;
    EXPECT_EQ(refused.error().message, why);
  }
}

TEST(ApiServerOptions, UpstreamsDefaults) {
  const auto options = options_of({});
  ASSERT_TRUE(options) << options.error().message;
  EXPECT_EQ(options->secure_port, 6443);
  EXPECT_EQ(options->authorization_modes, (std::vector<std::string>{"AlwaysAllow"}));
  EXPECT_FALSE(options->anonymous_auth) << "who may do everything must have a name";
  EXPECT_EQ(options->max_requests_inflight, 400);
  EXPECT_EQ(options->max_mutating_requests_inflight, 200);
  EXPECT_EQ(options->request_timeout, std::chrono::seconds(60));
  EXPECT_EQ(options->min_request_timeout_seconds, 1800);
  EXPECT_EQ(options->event_ttl, std::chrono::hours(1));
  EXPECT_EQ(options->default_not_ready_toleration_seconds, 300);
  EXPECT_EQ(options->default_unreachable_toleration_seconds, 300);
  EXPECT_EQ(options->service_node_port_range.first, 30000);
  EXPECT_EQ(options->service_node_port_range.second, 32767);
  EXPECT_TRUE(options->service_account_lookup);
  EXPECT_TRUE(options->service_account_extend_token_expiration);
  EXPECT_TRUE(options->profiling);
  EXPECT_TRUE(options->priority_and_fairness);
  EXPECT_FALSE(options->allow_privileged);
  EXPECT_EQ(options->advertise_address, "127.0.0.1");
}

TEST(ApiServerOptions, EachFlagReachesItsMember) {
  const auto options = options_of({"--authorization-mode=Node,RBAC", "--secure-port=7443", "--event-ttl=2h", "--bind-address=192.0.2.1",
                                   "--enable-admission-plugins=NodeRestriction", "--service-node-port-range=31000+10",
                                   "--service-account-issuer=https://a", "--service-account-issuer=https://b", "--tls-min-version=VersionTLS13",
                                   "--shutdown-delay-duration=7s", "--http2-max-streams-per-connection=50", "--service-cluster-ip-range=10.9.0.0/16",
                                   "--token-auth-file=/t", "--runtime-config=batch/v1=false", "--feature-gates=AllAlpha=false"});
  ASSERT_TRUE(options) << options.error().message;
  EXPECT_EQ(options->authorization_modes, (std::vector<std::string>{"Node", "RBAC"}));
  EXPECT_TRUE(options->anonymous_auth);
  EXPECT_EQ(options->secure_port, 7443);
  EXPECT_EQ(options->event_ttl, std::chrono::hours(2));
  EXPECT_EQ(options->advertise_address, "192.0.2.1");
  EXPECT_EQ(options->enable_admission_plugins, (std::vector<std::string>{"NodeRestriction"}));
  EXPECT_EQ(options->service_node_port_range.second, 31010);
  EXPECT_EQ(options->service_account_issuers, (std::vector<std::string>{"https://a", "https://b"}));
  EXPECT_EQ(options->shutdown_delay, std::chrono::seconds(7));
  EXPECT_EQ(options->http2_streams_max, 50);
  EXPECT_EQ(options->service_cluster_ip_range, "10.9.0.0/16");
  EXPECT_EQ(options->token_auth_file, "/t");
  EXPECT_EQ(options->runtime_config.at("batch/v1"), "false");
}

TEST(ApiServerOptions, MistakesNameTheFlag) {
  const std::pair<std::string, std::string> mistakes[] = {
      {"--secure-port=0", "--secure-port must be 1-65535"},
      {"--tls-cert-file=/a", "--tls-cert-file and --tls-private-key-file go together"},
      {"--tls-min-version=VersionTLS99", "--tls-min-version must be VersionTLS12 or VersionTLS13"},
      {"--http2-max-streams-per-connection=-1", "--http2-max-streams-per-connection must be 0 or more"},
      {"--shutdown-delay-duration=-1s", "--shutdown-delay-duration must be 0 or more"},
  };
  for (const auto& [argument, wanted] : mistakes) {
    const auto options = options_of({argument});
    ASSERT_FALSE(options) << argument;
    EXPECT_TRUE(options.error().message.starts_with(wanted)) << options.error().message;
  }
}

TEST(ApiServerOptions, WhatWasSettledStaysWhereNoFlagNamesIt) {
  apiserver::ApiServerOptions options;
  options.event_ttl = std::chrono::hours(9);
  options.secure_port = 1234;
  ASSERT_TRUE(take_given_flags(testing::flags_of(kube_apiserver_flags(), {"--event-ttl=3h"}), options));
  EXPECT_EQ(options.event_ttl, std::chrono::hours(3));
  EXPECT_EQ(options.secure_port, 1234);
}

}  // namespace
}  // namespace pintle::cmd

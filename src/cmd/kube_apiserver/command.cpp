#include "cmd/kube_apiserver/command.h"

#include <algorithm>

#include "apimachinery/discovery/served_set.h"
#include "apiserver/server.h"
#include "apiserver/service_ranges.h"
#include "cmd/kube_apiserver/flags.h"
#include "component/command.h"
#include "component/log.h"
#include "component/until_signal.h"
#include "rt/runtime.h"

namespace pintle::cmd {

namespace {

namespace log = component::log;

rt::Task<int> serve(rt::Runtime& runtime, apiserver::ApiServerOptions options, bool anonymous_wanted) {
  if (anonymous_wanted && !options.anonymous_auth)
    log::warning("Anonymous requests are refused, as the authorization mode AlwaysAllow would let them do everything; name other modes");
  apiserver::ApiServerSetup setup;
  setup.options = std::move(options);
  auto server = apiserver::make_api_server(runtime, std::move(setup));
  auto started = co_await server->start();
  if (!started) {
    const int status = component::fail("kube-apiserver", started.error());
    co_await server->stop();
    co_return status;
  }
  log::info(0, "Serving securely", {{"address", rt::to_string(server->local())}});
  const auto signal = co_await component::until_signal(rt::Context::background());
  log::info(0, "Shutting down", {{"signal", signal ? std::to_string(*signal) : "none"}});
  co_await server->stop();
  co_return 0;
}

Result<component::CommandWork> prepare(rt::Runtime& runtime, const component::FlagSet& flags) {
  TRY_ASSIGN(auto options, api_server_options(flags));
  const bool anonymous_wanted = flags.get_bool("anonymous-auth");
  return component::CommandWork{component::logging_of(flags),
                                [&runtime, options, anonymous_wanted] { return serve(runtime, options, anonymous_wanted); }};
}

}  // namespace

Result<apiserver::ApiServerOptions> api_server_options(const component::FlagSet& flags) {
  apiserver::ApiServerOptions options;
  options.bind_address = flags.get_string("bind-address");
  options.secure_port = static_cast<uint16_t>(flags.get_int("secure-port"));
  if (flags.get_int("secure-port") < 1 || flags.get_int("secure-port") > 65535) return bad_request("--secure-port must be 1-65535");
  options.advertise_address = flags.get_string("advertise-address");
  if (options.advertise_address.empty()) {
    const bool any = options.bind_address.empty() || options.bind_address == "0.0.0.0" || options.bind_address == "::";
    options.advertise_address = any ? "127.0.0.1" : options.bind_address;
  }
  if (flags.is_set("cert-dir")) options.cert_dir = flags.get_string("cert-dir");
  options.tls_cert_file = flags.get_string("tls-cert-file");
  options.tls_private_key_file = flags.get_string("tls-private-key-file");
  if (options.tls_cert_file.empty() != options.tls_private_key_file.empty())
    return bad_request("--tls-cert-file and --tls-private-key-file go together");
  options.client_ca_file = flags.get_string("client-ca-file");
  options.tls_cipher_suites = flags.get_list("tls-cipher-suites");
  const std::string version = flags.get_string("tls-min-version");
  if (version == "VersionTLS13") {
    options.tls_min_version = 13;
  } else if (!version.empty() && version != "VersionTLS12") {
    return bad_request("--tls-min-version must be VersionTLS12 or VersionTLS13");
  }
  options.data_dir = flags.get_string("data-dir");

  options.service_account_issuers = flags.get_list("service-account-issuer");
  if (!options.service_account_issuers.empty()) options.service_account_issuer = options.service_account_issuers.front();
  options.service_account_key_files = flags.get_list("service-account-key-file");
  options.service_account_signing_key_file = flags.get_string("service-account-signing-key-file");
  options.service_account_max_token_expiration = flags.get_duration("service-account-max-token-expiration");
  options.service_account_extend_token_expiration = flags.get_bool("service-account-extend-token-expiration");
  options.service_account_jwks_uri = flags.get_string("service-account-jwks-uri");
  options.api_audiences = flags.get_list("api-audiences");
  options.token_auth_file = flags.get_string("token-auth-file");
  options.anonymous_auth = flags.get_bool("anonymous-auth");
  options.enable_bootstrap_token_auth = flags.get_bool("enable-bootstrap-token-auth");

  options.authorization_modes = flags.get_list("authorization-mode");
  if (options.authorization_modes.empty()) options.authorization_modes = {"AlwaysAllow"};
  // Who may do everything must at least have a name, as upstream.
  if (std::ranges::find(options.authorization_modes, "AlwaysAllow") != options.authorization_modes.end()) options.anonymous_auth = false;
  options.enable_admission_plugins = flags.get_list("enable-admission-plugins");
  options.disable_admission_plugins = flags.get_list("disable-admission-plugins");
  options.default_not_ready_toleration_seconds = flags.get_int("default-not-ready-toleration-seconds");
  options.default_unreachable_toleration_seconds = flags.get_int("default-unreachable-toleration-seconds");

  if (flags.is_set("service-cluster-ip-range")) options.service_cluster_ip_range = flags.get_string("service-cluster-ip-range");
  TRY(apiserver::parse_service_ranges(options.service_cluster_ip_range));
  TRY_ASSIGN(options.service_node_port_range, component::parse_port_range(flags.get_string("service-node-port-range")));
  options.allow_privileged = flags.get_bool("allow-privileged");
  options.event_ttl = flags.get_duration("event-ttl");
  options.priority_and_fairness = flags.get_bool("enable-priority-and-fairness");
  options.max_requests_inflight = static_cast<int>(flags.get_int("max-requests-inflight"));
  options.max_mutating_requests_inflight = static_cast<int>(flags.get_int("max-mutating-requests-inflight"));
  options.request_timeout = flags.get_duration("request-timeout");
  options.min_request_timeout_seconds = static_cast<int>(flags.get_int("min-request-timeout"));
  TRY_ASSIGN(options.feature_gates, component::FeatureGates::parse(flags.get_map("feature-gates")));
  options.kubelet_client_certificate = flags.get_string("kubelet-client-certificate");
  options.kubelet_client_key = flags.get_string("kubelet-client-key");
  options.kubelet_certificate_authority = flags.get_string("kubelet-certificate-authority");
  options.kubelet_preferred_address_types = flags.get_list("kubelet-preferred-address-types");
  options.kubelet_timeout = flags.get_duration("kubelet-timeout");
  options.runtime_config = flags.get_map("runtime-config");
  TRY(apimachinery::ServedSet::configured(options.runtime_config));
  options.profiling = flags.get_bool("profiling");
  options.verbosity = static_cast<int>(flags.get_int("v"));
  return options;
}

int run_kube_apiserver(std::span<const char* const> args) {
  return component::run_command({.name = "kube-apiserver", .flags = kube_apiserver_flags(), .threads = 0, .prepare = prepare}, args);
}

}  // namespace pintle::cmd

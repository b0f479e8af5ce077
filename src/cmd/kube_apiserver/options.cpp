// Flags → ApiServerOptions: which flag sets which member.
#include <algorithm>

#include "apimachinery/discovery/served_set.h"
#include "apiserver/types/service_ranges.h"
#include "cmd/kube_apiserver/command.h"
#include "component/bound_flags.h"
#include "component/log.h"
#include "component/serving/tls_version.h"
#include "net/text.h"

namespace pintle::cmd {
namespace {

using component::BoundFlag;
using component::FlagSet;
using component::into;
using component::into_if_set;
using Options = apiserver::ApiServerOptions;

Result<Unit> take_port(const FlagSet& flags, std::string_view flag, Options& options) {
  const int64_t port = flags.get_int(flag);
  if (port < 1 || port > 65535) return bad_request("--secure-port must be 1-65535");
  options.secure_port = static_cast<uint16_t>(port);
  return Unit{};
}

Result<Unit> take_tls_version(const FlagSet& flags, std::string_view flag, Options& options) {
  TRY_ASSIGN(options.tls_min_version, component::parse_tls_min_version(flags.get_string(flag), "--tls-min-version"));
  return Unit{};
}

Result<Unit> take_node_ports(const FlagSet& flags, std::string_view flag, Options& options) {
  TRY_ASSIGN(options.service_node_port_range, component::parse_port_range(flags.get_string(flag)));
  return Unit{};
}

Result<Unit> take_gates(const FlagSet& flags, std::string_view flag, Options& options) {
  TRY_ASSIGN(options.feature_gates, component::FeatureGates::parse(flags.get_map(flag)));
  return Unit{};
}

Result<Unit> take_runtime_config(const FlagSet& flags, std::string_view flag, Options& options) {
  options.runtime_config = flags.get_map(flag);
  TRY(apimachinery::ServedSet::configured(options.runtime_config));
  return Unit{};
}

constexpr BoundFlag<Options> bound[] = {
    {"admission-control-config-file", into<&Options::admission_control_config_file>},
    {"advertise-address", into<&Options::advertise_address>},
    {"aggregator-reject-forwarding-redirect", into<&Options::aggregator_reject_forwarding_redirect>},
    {"allow-privileged", into<&Options::allow_privileged>},
    {"anonymous-auth", into<&Options::anonymous_auth>},
    {"api-audiences", into<&Options::api_audiences>},
    {"authorization-mode", into<&Options::authorization_modes>},
    {"bind-address", into<&Options::bind_address>},
    {"cert-dir", into_if_set<&Options::cert_dir>},
    {"client-ca-file", into<&Options::client_ca_file>},
    {"data-dir", into<&Options::data_dir>},
    {"default-not-ready-toleration-seconds", into<&Options::default_not_ready_toleration_seconds>},
    {"default-unreachable-toleration-seconds", into<&Options::default_unreachable_toleration_seconds>},
    {"disable-admission-plugins", into<&Options::disable_admission_plugins>},
    {"enable-admission-plugins", into<&Options::enable_admission_plugins>},
    {"enable-aggregator-routing", into<&Options::enable_aggregator_routing>},
    {"enable-bootstrap-token-auth", into<&Options::enable_bootstrap_token_auth>},
    {"enable-priority-and-fairness", into<&Options::priority_and_fairness>},
    {"event-ttl", into<&Options::event_ttl>},
    {"feature-gates", take_gates},
    {"http2-max-streams-per-connection", into<&Options::http2_streams_max>},
    {"kubelet-certificate-authority", into<&Options::kubelet_certificate_authority>},
    {"kubelet-client-certificate", into<&Options::kubelet_client_certificate>},
    {"kubelet-client-key", into<&Options::kubelet_client_key>},
    {"kubelet-preferred-address-types", into<&Options::kubelet_preferred_address_types>},
    {"kubelet-timeout", into<&Options::kubelet_timeout>},
    {"max-mutating-requests-inflight", into<&Options::max_mutating_requests_inflight>},
    {"max-requests-inflight", into<&Options::max_requests_inflight>},
    {"min-request-timeout", into<&Options::min_request_timeout_seconds>},
    {"profiling", into<&Options::profiling>},
    {"proxy-client-cert-file", into<&Options::proxy_client_cert_file>},
    {"proxy-client-key-file", into<&Options::proxy_client_key_file>},
    {"request-timeout", into<&Options::request_timeout>},
    {"requestheader-allowed-names", into<&Options::requestheader_allowed_names>},
    {"requestheader-client-ca-file", into<&Options::requestheader_client_ca_file>},
    {"requestheader-extra-headers-prefix", into<&Options::requestheader_extra_headers_prefix>},
    {"requestheader-group-headers", into<&Options::requestheader_group_headers>},
    {"requestheader-uid-headers", into<&Options::requestheader_uid_headers>},
    {"requestheader-username-headers", into<&Options::requestheader_username_headers>},
    {"runtime-config", take_runtime_config},
    {"secure-port", take_port},
    {"service-account-extend-token-expiration", into<&Options::service_account_extend_token_expiration>},
    {"service-account-issuer", into<&Options::service_account_issuers>},
    {"service-account-jwks-uri", into<&Options::service_account_jwks_uri>},
    {"service-account-key-file", into<&Options::service_account_key_files>},
    {"service-account-lookup", into<&Options::service_account_lookup>},
    {"service-account-max-token-expiration", into<&Options::service_account_max_token_expiration>},
    {"service-account-signing-key-file", into<&Options::service_account_signing_key_file>},
    {"service-cluster-ip-range", into_if_set<&Options::service_cluster_ip_range>},
    {"service-node-port-range", take_node_ports},
    {"shutdown-delay-duration", into<&Options::shutdown_delay>},
    {"tls-cert-file", into<&Options::tls_cert_file>},
    {"tls-cipher-suites", into<&Options::tls_cipher_suites>},
    {"tls-min-version", take_tls_version},
    {"tls-private-key-file", into<&Options::tls_private_key_file>},
    {"token-auth-file", into<&Options::token_auth_file>},
};

bool is_blank(const std::string& text) { return text.find_first_not_of(" \t\n\v\f\r") == std::string::npos; }

// `standard`: the header that aggregated servers name a user by, as this server does towards them.
Result<Unit> check_headers(const std::string& flag, const std::vector<std::string>& values, std::string_view standard, bool must) {
  if (std::ranges::any_of(values, is_blank)) return bad_request("empty value in \"" + flag + "\"");
  const auto is_standard = [&](const std::string& value) { return net::equal_fold(value, standard); };
  if (values.empty() || standard.empty() || std::ranges::any_of(values, is_standard)) return Unit{};
  const std::string why =
      "--" + flag + " is set without specifying the standard " + std::string(standard) + " header - API aggregation will not work";
  if (must) return bad_request(why);
  component::log::warning(why);
  return Unit{};
}

Result<Unit> check_front_proxy(const Options& options) {
  TRY(check_headers("requestheader-username-headers", options.requestheader_username_headers, "X-Remote-User", false));
  TRY(check_headers("requestheader-group-headers", options.requestheader_group_headers, "X-Remote-Group", false));
  TRY(check_headers("requestheader-extra-headers-prefix", options.requestheader_extra_headers_prefix, "X-Remote-Extra-", false));
  TRY(check_headers("requestheader-allowed-names", options.requestheader_allowed_names, "", false));
  TRY(check_headers("requestheader-uid-headers", options.requestheader_uid_headers, "X-Remote-Uid", true));
  if (options.proxy_client_cert_file.empty() != options.proxy_client_key_file.empty())
    return bad_request("--proxy-client-cert-file and --proxy-client-key-file go together");
  return Unit{};
}

Result<Unit> check(const Options& options) {
  TRY(check_front_proxy(options));
  if (options.tls_cert_file.empty() != options.tls_private_key_file.empty())
    return bad_request("--tls-cert-file and --tls-private-key-file go together");
  TRY(apiserver::parse_service_ranges(options.service_cluster_ip_range));
  if (options.http2_streams_max < 0) return bad_request("--http2-max-streams-per-connection must be 0 or more");
  if (options.shutdown_delay < rt::Duration(0)) return bad_request("--shutdown-delay-duration must be 0 or more");
  return Unit{};
}

}  // namespace

Result<Unit> take_given_flags(const FlagSet& flags, Options& options) {
  for (const BoundFlag<Options>& one : bound)
    if (flags.is_set(one.flag)) TRY(one.set(flags, one.flag, options));
  return check(options);
}

Result<Options> api_server_options(const FlagSet& flags) {
  Options options;
  TRY(component::take_flags<Options>(flags, bound, options));
  if (options.advertise_address.empty()) {
    const bool any = options.bind_address.empty() || options.bind_address == "0.0.0.0" || options.bind_address == "::";
    options.advertise_address = any ? "127.0.0.1" : options.bind_address;
  }
  TRY(check(options));
  if (options.authorization_modes.empty()) options.authorization_modes = {"AlwaysAllow"};
  // Who may do everything must at least have a name, as upstream.
  if (std::ranges::find(options.authorization_modes, "AlwaysAllow") != options.authorization_modes.end()) options.anonymous_auth = false;
  return options;
}

}  // namespace pintle::cmd

// ApiServerOptions: what the command line decides, as plain values. cmd/kube_apiserver fills it from the flags.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "component/feature_gates.h"
#include "rt/clock.h"

namespace pintle::apiserver {

inline constexpr const char* default_service_account_issuer = "https://kubernetes.default.svc.cluster.local";

struct ApiServerOptions {
  std::string bind_address = "0.0.0.0";
  uint16_t secure_port = 6443;
  std::string advertise_address;  // "": the first global address of this machine, else bind_address
  std::string tls_cert_file;      // "": a self-signed certificate under data_dir/tls
  std::string tls_private_key_file;
  std::string client_ca_file;
  std::string requestheader_client_ca_file;  // "": no front proxy is believed
  std::vector<std::string> requestheader_allowed_names;
  std::vector<std::string> requestheader_username_headers;
  std::vector<std::string> requestheader_uid_headers;
  std::vector<std::string> requestheader_group_headers;
  std::vector<std::string> requestheader_extra_headers_prefix;
  std::vector<std::string> tls_cipher_suites;
  int tls_min_version = 12;

  std::string cert_dir;                      // of the self-signed serving certificate; "": DATA_DIR/tls, without data_dir /var/run/kubernetes
  std::string data_dir = "/var/lib/pintle";  // "": keep everything in memory

  std::vector<std::string> service_account_issuers;  // all accepted; the first one signs; empty: default_service_account_issuer
  std::vector<std::string> service_account_key_files;
  std::string service_account_signing_key_file;
  std::vector<std::string> api_audiences;
  rt::Duration service_account_max_token_expiration{};
  bool service_account_extend_token_expiration = true;
  bool service_account_lookup = true;  // false: a legacy token outlives its Secret and its account
  std::string service_account_jwks_uri;
  std::string token_auth_file;
  bool anonymous_auth = true;
  bool enable_bootstrap_token_auth = false;

  std::vector<std::string> authorization_modes = {"AlwaysAllow"};
  std::vector<std::string> enable_admission_plugins;
  std::vector<std::string> disable_admission_plugins;
  bool enable_aggregator_routing = false;     // services that this server calls out to are reached by their endpoints
  std::string admission_control_config_file;  // "": no plugin has settings
  int64_t default_not_ready_toleration_seconds = 300;
  int64_t default_unreachable_toleration_seconds = 300;

  std::string service_cluster_ip_range = "10.0.0.0/24";
  std::pair<uint16_t, uint16_t> service_node_port_range = {30000, 32767};
  bool allow_privileged = false;
  rt::Duration event_ttl = std::chrono::hours(1);
  bool priority_and_fairness = true;  // share the seats of both numbers below by flow schemas; false: count each
  int max_requests_inflight = 400;    // reads; 0: no limit
  int max_mutating_requests_inflight = 200;
  rt::Duration request_timeout = std::chrono::seconds(60);
  int min_request_timeout_seconds = 1800;
  std::string kubelet_client_certificate;  // how this server shows itself to kubelets
  std::string kubelet_client_key;
  std::string kubelet_certificate_authority;  // "": kubelets' certificates are not checked
  std::vector<std::string> kubelet_preferred_address_types = {"Hostname", "InternalDNS", "InternalIP", "ExternalDNS", "ExternalIP"};
  rt::Duration kubelet_timeout = std::chrono::seconds(5);  // to connect
  std::string proxy_client_cert_file;                      // how this server shows itself to aggregated servers
  std::string proxy_client_key_file;
  bool aggregator_reject_forwarding_redirect = true;
  component::FeatureGates feature_gates;
  std::map<std::string, std::string> runtime_config;
  bool profiling = true;          // serve /debug/pprof/
  int64_t http2_streams_max = 0;  // of one connection; 0: the HTTP server's default
  rt::Duration shutdown_delay{};  // how long stop() goes on serving, with /readyz failing
};

}  // namespace pintle::apiserver

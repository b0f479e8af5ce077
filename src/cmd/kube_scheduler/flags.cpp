// The flags of kube-scheduler: upstream's names, types and defaults, each with a line of our own.
#include "cmd/kube_scheduler/flags.h"

namespace pintle::cmd {
namespace {

using component::FlagSpec;
using enum component::FlagType;
using enum component::WithoutEffect;

// name, type, default, description, short name, deprecated, effective, what it does until it is
constexpr FlagSpec specs[] = {
    {"config", String, "", "File with a KubeSchedulerConfiguration; then the deprecated flags are ignored", 0, false, true},
    {"master", String, "", "Address of the API server, over the one in the kubeconfig", 0, false, true},
    {"write-config-to", String, "", "Write the configuration to this file and end", 0, false, false},
    {"bind-address", Ip, "0.0.0.0", "Address of the secure port", 0, false, true},
    {"cert-dir", String, "", "Folder of the certificate that is made where none is given", 0, false, true},
    {"disable-http2-serving", Bool, "", "Serve HTTP/1.1 only", 0, false, false, Refused},
    {"http2-max-streams-per-connection", Int, "", "Most streams of one HTTP/2 connection", 0, false, false},
    {"permit-address-sharing", Bool, "", "Listen with SO_REUSEADDR", 0, false, false},
    {"permit-port-sharing", Bool, "", "Listen with SO_REUSEPORT", 0, false, false},
    {"secure-port", Int, "10259", "Port of health, metrics and configuration; 0: none", 0, false, true},
    {"tls-cert-file", String, "", "Serving certificate, PEM", 0, false, true},
    {"tls-cipher-suites", Strings, "", "Cipher suites of TLS 1.2", 0, false, true},
    {"tls-curve-preferences", Int32Slice, "", "Key exchange groups in order", 0, false, false, Refused},
    {"tls-min-version", String, "", "VersionTLS12 or VersionTLS13", 0, false, true},
    {"tls-private-key-file", String, "", "Key of the serving certificate", 0, false, true},
    {"tls-sni-cert-key", CertKey, "", "Further certificates by server name", 0, false, false, Refused},
    {"authentication-kubeconfig", String, "", "Kubeconfig for asking who a caller is", 0, false, true},
    {"authentication-skip-lookup", Bool, "", "Do not read the authentication settings from the cluster", 0, false, false},
    {"authentication-token-webhook-cache-ttl", Duration, "10s", "How long answers about tokens are kept", 0, false, true},
    {"authentication-tolerate-lookup-failure", Bool, "true", "Go on when the authentication settings cannot be read", 0, false, false},
    {"client-ca-file", String, "", "Authority of client certificates, PEM", 0, false, true},
    {"requestheader-allowed-names", Strings, "", "Common names of front proxies", 0, false, false, Refused},
    {"requestheader-client-ca-file", String, "", "Authority of front proxies", 0, false, false, Refused},
    {"requestheader-extra-headers-prefix", Strings, "x-remote-extra-", "Headers of extra user fields", 0, false, false, Refused},
    {"requestheader-group-headers", Strings, "x-remote-group", "Headers of groups", 0, false, false, Refused},
    {"requestheader-uid-headers", Strings, "", "Headers of the user UID", 0, false, false, Refused},
    {"requestheader-username-headers", Strings, "x-remote-user", "Headers of the user name", 0, false, false, Refused},
    {"authorization-always-allow-paths", Strings, "/healthz,/readyz,/livez", "Paths that are open to everyone", 0, false, true},
    {"authorization-kubeconfig", String, "", "Kubeconfig for asking what a caller may", 0, false, true},
    {"authorization-webhook-cache-authorized-ttl", Duration, "10s", "How long a yes is kept", 0, false, true},
    {"authorization-webhook-cache-unauthorized-ttl", Duration, "10s", "How long a no is kept", 0, false, true},
    {"contention-profiling", Bool, "true", "Profile lock contention", 0, true, false},
    {"kube-api-burst", Int, "100", "Requests in a burst to the API server", 0, true, true},
    {"kube-api-content-type", String, "application/vnd.kubernetes.protobuf", "Wire format of requests to the API server", 0, true, false},
    {"kube-api-qps", Float, "50", "Requests a second to the API server", 0, true, true},
    {"kubeconfig", String, "", "Kubeconfig of the API server", 0, true, true},
    {"pod-max-in-unschedulable-pods-duration", Duration, "5m0s", "When a pod that no event concerned is tried again", 0, true, true},
    {"profiling", Bool, "true", "Profiling pages", 0, true, false},
    {"leader-elect", Bool, "true", "Schedule only while holding the Lease", 0, false, true},
    {"leader-elect-lease-duration", Duration, "15s", "How long a Lease holds that is not renewed", 0, false, true},
    {"leader-elect-renew-deadline", Duration, "10s", "How long the leader tries to renew", 0, false, true},
    {"leader-elect-resource-lock", String, "leases", "Kind of the lock: leases", 0, false, true},
    {"leader-elect-resource-name", String, "kube-scheduler", "Name of the Lease", 0, false, true},
    {"leader-elect-resource-namespace", String, "kube-system", "Namespace of the Lease", 0, false, true},
    {"leader-elect-retry-period", Duration, "2s", "Time between two tries for the Lease", 0, false, true},
    {"emulated-version", Strings, "", "Versions to behave as", 0, false, false},
    {"feature-gates", Map, "", "Features to switch: Name=true|false", 0, false, true},
    {"min-compatibility-version", Strings, "", "Oldest version to be compatible with", 0, false, false},
    {"allow-metric-labels", Map, "", "Label values that metrics may have", 0, false, false},
    {"allow-metric-labels-manifest", String, "", "File with such label values", 0, false, false},
    {"disabled-metrics", Strings, "", "Metrics that are left out", 0, false, false},
    {"show-hidden-metrics-for-version", String, "", "Show metrics hidden in this previous version", 0, false, false},
    {"log-flush-frequency", Duration, "5s", "Time between two flushes of the log", 0, false, false},
    {"log-json-info-buffer-size", Quantity, "", "Buffer of JSON log lines", 0, false, false},
    {"log-json-split-stream", Bool, "", "Errors to stderr, the rest to stdout", 0, false, false},
    {"log-text-info-buffer-size", Quantity, "", "Buffer of text log lines", 0, false, false},
    {"log-text-split-stream", Bool, "", "Errors to stderr, the rest to stdout", 0, false, false},
    {"logging-format", String, "text", "text or json", 0, false, true},
    {"v", Int, "", "Verbosity of the log, 0 to 10", 'v', false, true},
    {"help", Bool, "", "Show this help", 'h', false, true},
    {"version", Version, "", "Print the version and end; raw prints it in full", 0, false, true},
    {"vmodule", FileLevels, "", "Verbosity of the log by source file: name=N, with * and ? in names", 0, false, true},
};

}  // namespace

std::span<const FlagSpec> kube_scheduler_flags() { return specs; }

}  // namespace pintle::cmd

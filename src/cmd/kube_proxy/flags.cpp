// The flags of kube-proxy: upstream's names, types and defaults, each with a line of our own.
#include "cmd/kube_proxy/flags.h"

namespace pintle::cmd {
namespace {

using component::FlagSpec;
using enum component::FlagType;

// name, type, default, description, short name, deprecated, effective
constexpr FlagSpec specs[] = {
    {"bind-address", Ip, "0.0.0.0", "The node's address, instead of the Node object's; nothing is bound to it", 0, false, true},
    {"bind-address-hard-fail", Bool, "", "End if the healthz or metrics port cannot be opened", 0, false, true},
    {"boot-id-file", String, "/proc/sys/kernel/random/boot_id", "Files with the boot id, in order", 0, false, false},
    {"cleanup", Bool, "", "Remove the rules and end", 0, false, true},
    {"cluster-cidr", String, "", "CIDRs of the cluster's pods, one an IP family", 0, false, true},
    {"config", String, "", "File with a KubeProxyConfiguration; then the flags that it covers are ignored", 0, false, true},
    {"config-sync-period", Duration, "15m0s", "Time between two reads of all objects (changes arrive by themselves)", 0, false, false},
    {"conntrack-max-per-core", Int, "32768", "Most tracked connections a core; 0 leaves the limit as it is", 0, false, true},
    {"conntrack-min", Int, "131072", "Least limit of tracked connections", 0, false, true},
    {"conntrack-tcp-be-liberal", Bool, "", "Let packets outside a connection's window pass", 0, false, true},
    {"conntrack-tcp-timeout-close-wait", Duration, "1h0m0s", "How long half-closed TCP connections are tracked; 0 leaves it", 0, false, true},
    {"conntrack-tcp-timeout-established", Duration, "24h0m0s", "How long idle TCP connections are tracked; 0 leaves it", 0, false, true},
    {"conntrack-udp-timeout", Duration, "", "How long UDP without an answer is tracked; 0 leaves it", 0, false, true},
    {"conntrack-udp-timeout-stream", Duration, "", "How long UDP with answers is tracked; 0 leaves it", 0, false, true},
    {"detect-local-mode", String, "", "How this node's pods are told: ClusterCIDR, NodeCIDR, BridgeInterface, InterfaceNamePrefix", 0, false, true},
    {"feature-gates", Map, "", "Features to switch: Name=true|false", 0, false, true},
    {"healthz-bind-address", String, "0.0.0.0:10256", "Address and port of /healthz and /livez; empty: none", 0, false, true},
    {"help", Bool, "", "Show this help", 'h', false, true},
    {"hostname-override", String, "", "Name of this node, instead of the host's", 0, false, true},
    {"init-only", Bool, "", "Do what needs privileges once, and end", 0, false, true},
    {"iptables-localhost-nodeports", Bool, "true", "Node ports on the loopback (mode iptables)", 0, false, false},
    {"iptables-masquerade-bit", Int, "14", "Bit of the packet mark that asks for masquerading, 0 to 31", 0, false, true},
    {"iptables-min-sync-period", Duration, "1s", "Shortest time between two writes (mode iptables)", 0, false, false},
    {"iptables-sync-period", Duration, "30s", "Longest time between two writes (mode iptables)", 0, false, false},
    {"ipvs-exclude-cidrs", Strings, "", "CIDRs left alone (mode ipvs)", 0, false, false},
    {"ipvs-min-sync-period", Duration, "1s", "Shortest time between two writes (mode ipvs)", 0, false, false},
    {"ipvs-scheduler", String, "", "How connections are spread (mode ipvs)", 0, false, false},
    {"ipvs-strict-arp", Bool, "", "Strict ARP (mode ipvs)", 0, false, false},
    {"ipvs-sync-period", Duration, "30s", "Longest time between two writes (mode ipvs)", 0, false, false},
    {"ipvs-tcp-timeout", Duration, "", "How long idle TCP is remembered (mode ipvs)", 0, false, false},
    {"ipvs-tcpfin-timeout", Duration, "", "How long ending TCP is remembered (mode ipvs)", 0, false, false},
    {"ipvs-udp-timeout", Duration, "", "How long UDP is remembered (mode ipvs)", 0, false, false},
    {"kube-api-burst", Int, "10", "Requests to the API server that may come at once", 0, false, true},
    {"kube-api-content-type", String, "application/vnd.kubernetes.protobuf", "Form of requests to the API server", 0, false, false},
    {"kube-api-qps", Float, "5", "Requests a second to the API server", 0, false, true},
    {"kubeconfig", String, "", "Which API server, and as whom; none: the pod's service account", 0, false, true},
    {"log-flush-frequency", Duration, "5s", "Longest time that log lines are held back (they never are)", 0, false, false},
    {"log-json-info-buffer-size", Quantity, "", "Buffer for informational JSON lines", 0, false, false},
    {"log-json-split-stream", Bool, "", "Informational JSON lines to standard output", 0, false, false},
    {"log-text-info-buffer-size", Quantity, "", "Buffer for informational text lines", 0, false, false},
    {"log-text-split-stream", Bool, "", "Informational text lines to standard output", 0, false, false},
    {"logging-format", String, "text", "Form of log lines: text or json", 0, false, true},
    {"machine-id-file", String, "/etc/machine-id,/var/lib/dbus/machine-id", "Files with the machine id, in order", 0, false, false},
    {"masquerade-all", Bool, "", "Masquerade all traffic to cluster IPs", 0, false, true},
    {"master", String, "", "URL of the API server, instead of the kubeconfig's", 0, false, true},
    {"metrics-bind-address", String, "127.0.0.1:10249", "Address and port of /metrics; empty: none", 0, false, true},
    {"nodeport-addresses", Strings, "", "CIDRs of addresses that serve node ports, or primary", 0, false, true},
    {"oom-score-adj", Int, "-999", "OOM score of this process, -1000 to 1000", 0, false, true},
    {"pod-bridge-interface", String, "", "Bridge of this node's pods, for detect-local-mode BridgeInterface", 0, false, true},
    {"pod-interface-name-prefix", String, "", "Prefix of the pods' interfaces, for detect-local-mode InterfaceNamePrefix", 0, false, true},
    {"profiling", Bool, "", "Profiling pages on the metrics port", 0, false, false},
    {"proxy-mode", String, "", "What moves the packets: nftables", 0, false, true},
    {"show-hidden-metrics-for-version", String, "", "Show metrics hidden in this previous version", 0, false, false},
    {"v", Int, "", "Verbosity of the log, 0 to 10", 'v', false, true},
    {"version", Version, "", "Print the version and end; raw prints it in full", 0, false, true},
    {"vmodule", FileLevels, "", "Verbosity of the log by source file: name=N, with * and ? in names", 0, false, true},
    {"write-config-to", String, "", "Write the configuration to this file and end", 0, false, true},
};

constexpr FieldOfFlag fields[] = {
    {"bind-address", "bindAddress"},
    {"bind-address-hard-fail", "bindAddressHardFail"},
    {"cluster-cidr", "clusterCIDR"},
    {"conntrack-max-per-core", "conntrack.maxPerCore"},
    {"conntrack-min", "conntrack.min"},
    {"conntrack-tcp-be-liberal", "conntrack.tcpBeLiberal"},
    {"conntrack-tcp-timeout-close-wait", "conntrack.tcpCloseWaitTimeout"},
    {"conntrack-tcp-timeout-established", "conntrack.tcpEstablishedTimeout"},
    {"conntrack-udp-timeout", "conntrack.udpTimeout"},
    {"conntrack-udp-timeout-stream", "conntrack.udpStreamTimeout"},
    {"detect-local-mode", "detectLocalMode"},
    {"feature-gates", "featureGates"},
    {"healthz-bind-address", "healthzBindAddress"},
    {"iptables-masquerade-bit", "nftables.masqueradeBit"},
    {"kube-api-burst", "clientConnection.burst"},
    {"kube-api-qps", "clientConnection.qps"},
    {"kubeconfig", "clientConnection.kubeconfig"},
    {"logging-format", "logging.format"},
    {"masquerade-all", "nftables.masqueradeAll"},
    {"metrics-bind-address", "metricsBindAddress"},
    {"nodeport-addresses", "nodePortAddresses"},
    {"oom-score-adj", "oomScoreAdj"},
    {"pod-bridge-interface", "detectLocal.bridgeInterface"},
    {"pod-interface-name-prefix", "detectLocal.interfaceNamePrefix"},
    {"proxy-mode", "mode"},
};

}  // namespace

std::span<const FlagSpec> kube_proxy_flags() { return specs; }
std::span<const FieldOfFlag> kube_proxy_fields() { return fields; }

}  // namespace pintle::cmd

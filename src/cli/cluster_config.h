// The configuration of `pintle server` and `pintle agent`: flags, and a YAML file with the same names as keys.
#pragma once

#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "base/status.h"
#include "component/feature_gates.h"
#include "component/flags.h"
#include "component/log.h"
#include "rt/clock.h"
#include "rt/file.h"

namespace pintle::cli {

struct NodeTaint {
  std::string key, value, effect;
};

struct NodeConfig {
  bool enabled = true;                    // false: --disable-agent
  std::string name;                       // --node-name; "": the host's name, in lower case
  std::string ip;                         // --node-ip; "": the address of the default route
  std::vector<std::string> labels;        // --node-label k=v
  std::vector<NodeTaint> taints;          // --node-taint key=value:effect
  std::string runtime_endpoint;           // --container-runtime-endpoint; "": a containerd of our own
  std::string kubelet_config_file;        // --kubelet-config: KubeletConfiguration to start from
  std::string cgroup_root;                // --cgroup-root
  std::string kubelet_root_dir;           // --kubelet-root-dir
  std::string pod_logs_dir;               // --pod-logs-dir
  std::vector<std::string> cni_bin_dirs;  // --cni-bin-dir
  std::string registry_config_dir;        // --registry-config-dir: containerd's certs.d
  std::string containerd_config_dir;      // --containerd-config-dir: pieces (*.toml) laid over our containerd's configuration
  std::string pause_image;                // --pause-image
  std::string network_mode;               // --network-mode: vxlan, host-gw or none
};

struct ClusterConfig {
  bool server = true;  // false: `pintle agent`
  std::string data_dir;
  std::vector<std::string> disable;  // --disable
  std::string cluster_cidr;
  std::string service_cidr;
  std::vector<std::string> dns_allow_from;  // answered by the cluster's DNS besides pods, services and nodes
  std::string cluster_dns;                  // "": the cluster has none; default: the tenth address of service_cidr
  std::string cluster_domain;
  std::string bind_address;
  uint16_t https_listen_port = 6443;
  std::string write_kubeconfig;  // "": DATA_DIR/admin.kubeconfig
  uint32_t write_kubeconfig_mode = 0600;
  std::string token;                  // id.secret of a bootstrap token; "": a server makes one at its first start
  rt::Duration token_ttl{};           // of a server's tokens; zero: for ever
  rt::Duration metrics_resolution{};  // how often kubelets are asked for their metrics
  std::vector<std::string> tls_sans;
  std::vector<std::string> local_storage_paths;       // name=FOLDER; at least one
  std::vector<std::string> local_storage_capacities;  // name=SIZE
  std::string server_url;                             // agent: --server
  // Flags for single components, without their dashes: of "kubelet" those of --kubelet-arg. Every component of `component_names` is there.
  std::map<std::string, std::vector<std::string>, std::less<>> arguments;
  NodeConfig node;
  component::FeatureGates feature_gates;
  std::map<std::string, bool> wanted_gates;  // those of --feature-gates, for the kubelet's configuration
  int verbosity = 0;
  std::vector<component::log::FileVerbosity> vmodule;
  bool json_logs = false;

  bool disabled(std::string_view component) const;
};

// What --disable takes.
inline constexpr std::string_view components[] = {"scheduler", "controller-manager", "proxy", "dns", "routes", "metrics-server", "local-storage"};

// What has a flag --NAME-arg; an agent has those of the node alone.
inline constexpr std::string_view component_names[] = {"kube-apiserver", "kube-controller-manager", "kube-scheduler", "kubelet", "kube-proxy"};

std::span<const component::FlagSpec> server_flags();
std::span<const component::FlagSpec> agent_flags();

// Command-line arguments that a configuration file stands for: `tls-sans: [a, b]` is --tls-sans=a --tls-sans=b.
// BadRequest names the file and the key.
Result<std::vector<std::string>> arguments_of_file(rt::Disk& disk, const std::string& path);
// The arguments after the command's name, a --config file's first. BadRequest in one clear line.
// nullopt in `flags.help_requested()` cases is the caller's business: `flags` has been parsed then.
Result<ClusterConfig> parse_cluster_config(component::FlagSet& flags, bool server, std::span<const char* const> args, rt::Disk& disk);

// --node-name, or the host's name in lower case.
Result<std::string> node_name(const ClusterConfig& config);
// --node-ip, or this machine's address on the default route. BadRequest if it has none.
Result<std::string> node_ip(const ClusterConfig& config);

// "10.43.0.0/16", 10 -> "10.43.0.10". BadRequest: no CIDR, or it is too small.
Result<std::string> nth_address(std::string_view cidr, uint64_t n);
// [a-z0-9]{6}.[a-z0-9]{16}
bool is_bootstrap_token(std::string_view token);

}  // namespace pintle::cli

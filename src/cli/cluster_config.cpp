#include "cli/cluster_config.h"

#include <algorithm>
#include <cstring>

#include "base/ip_address.h"
#include "base/parse_number.h"
#include "cli/bootstrap_token.h"
#include "codec/yaml.h"

namespace pintle::cli {
namespace {

using component::FlagSpec;
using enum component::FlagType;

#define PINTLE_NODE_FLAGS                                                                                                                            \
  {"cgroup-root", String, "", "Control group under which those of pods are made", 0, false, true},                                                   \
      {"cni-bin-dir", Strings, "/opt/cni/bin,/usr/lib/cni", "Folders of CNI plugins; the first that has them is used", 0, false, true},              \
      {"config", String, "", "YAML file whose keys are these flags; flags given besides it win", 'c', false, true},                                  \
      {"containerd-config-dir",                                                                                                                      \
       String,                                                                                                                                       \
       "",                                                                                                                                           \
       "Folder of pieces (*.toml) of containerd's configuration, laid over ours; default: DATA_DIR/containerd.d",                                    \
       0,                                                                                                                                            \
       false,                                                                                                                                        \
       true},                                                                                                                                        \
      {"container-runtime-endpoint", String, "", "Socket of a CRI runtime; default: a containerd of our own", 0, false, true},                       \
      {"data-dir", String, "/var/lib/pintle", "Folder that holds everything", 'd', false, true},                                                     \
      {"disable", Strings, "",  "Components that are not started: scheduler, controller-manager, proxy, dns, routes, metrics-server, local-storage", \
       0,         false,   true},                                                                                                                    \
      {"feature-gates", Map, "", "Switches of features: Name=true|false", 0, false, true},                                                           \
      {"kube-proxy-arg", StringArray, "", "A flag of kube-proxy without its dashes: config=FILE", 0, false, true},                                   \
      {"kubelet-arg", StringArray, "", "A flag of the kubelet without its dashes: max-pods=250", 0, false, true},                                    \
      {"kubelet-root-dir",                                                                                                                           \
       String,                                                                                                                                       \
       "",                                                                                                                                           \
       "Folder of the kubelet's files; default: /var/lib/kubelet, where storage drivers look for it, or DATA_DIR/kubelet with a --data-dir of "      \
       "one's own",                                                                                                                                  \
       0,                                                                                                                                            \
       false,                                                                                                                                        \
       true},                                                                                                                                        \
      {"kubelet-config", String, "", "KubeletConfiguration file to start from", 0, false, true},                                                     \
      {"local-storage-path",                                                                                                                         \
       StringArray,                                                                                                                                  \
       "",                                                                                                                                           \
       "Where volumes of the class local-path are kept, as name=FOLDER, the first unless a class chooses by its parameter; default: "                \
       "DATA_DIR/storage",                                                                                                                           \
       0,                                                                                                                                            \
       false,                                                                                                                                        \
       true},                                                                                                                                        \
      {"local-storage-capacity",                                                                                                                     \
       StringArray,                                                                                                                                  \
       "",                                                                                                                                           \
       "How much of a --local-storage-path volumes may take together, as name=SIZE; default: what its disk has",                                     \
       0,                                                                                                                                            \
       false,                                                                                                                                        \
       true},                                                                                                                                        \
      {"logging-format", String, "text", "Form of log lines: text or json", 0, false, true},                                                         \
      {"network-mode", String, "vxlan", "How pods of different nodes reach one another: vxlan, host-gw or none", 0, false, true},                    \
      {"node-ip", Ip, "", "Address of this node; default: that of the default route", 0, false, true},                                               \
      {"node-label", Strings, "", "Labels that the node registers with: key=value", 0, false, true},                                                 \
      {"node-name", String, "", "Name of this node; default: the host's", 0, false, true},                                                           \
      {"node-taint", Strings, "", "Taints that the node registers with: key=value:effect", 0, false, true},                                          \
      {"pause-image", String, "registry.k8s.io/pause:3.10.2", "Image of pod sandboxes", 0, false, true},                                             \
      {"pod-logs-dir", String, "", "Folder of container logs; default: /var/log/pods, or DATA_DIR/log/pods with a --data-dir of one's own", 0,       \
       false,          true},                                                                                                                        \
      {"registry-config-dir", String, "", "Folder of registry hosts files (mirrors, credentials) for our containerd", 0, false, true},               \
      {"v", Int, "0", "Verbosity of the log", 'v', false, true}, {                                                                                   \
    "vmodule", FileLevels, "", "Verbosity of the log by source file: name=N, with * and ? in names", 0, false, true                                  \
  }

constexpr FlagSpec server_specs[] = {
    {"bind-address", Ip, "0.0.0.0", "Address that the API server listens on", 0, false, true},
    {"cluster-cidr", String, "10.42.0.0/16", "Range of pod addresses", 0, false, true},
    {"cluster-dns", Ip, "", "Service address of the cluster's DNS; default: the tenth of --service-cidr", 0, false, true},
    {"cluster-domain", String, "cluster.local", "DNS domain of the cluster", 0, false, true},
    {"disable-agent", Bool, "", "Run the control plane alone, no node", 0, false, true},
    {"dns-allow-from", Strings, "", "Addresses and ranges that the cluster's DNS answers besides those of pods, services and nodes", 0, false, true},
    {"https-listen-port", Int, "6443", "Port of the API server", 0, false, true},
    {"kube-apiserver-arg", StringArray, "", "A flag of kube-apiserver without its dashes: event-ttl=2h", 0, false, true},
    {"kube-controller-manager-arg", StringArray, "", "A flag of kube-controller-manager without its dashes: node-monitor-grace-period=20s", 0, false,
     true},
    {"kube-scheduler-arg", StringArray, "", "A flag of kube-scheduler without its dashes: config=FILE", 0, false, true},
    {"metrics-resolution", Duration, "15s", "How often kubelets are asked what pods use, for kubectl top and autoscaling", 0, false, true},
    {"service-cidr", String, "10.43.0.0/16", "Range of service addresses", 0, false, true},
    {"token", String, "",
     "Bootstrap token (id.secret) with which agents join, good for --token-ttl from each start; default: one is made at the first start, see pintle "
     "token",
     0, false, true},
    {"token-ttl", Duration, token_ttl_default, "How long the tokens that this command makes are good; 0: for ever", 0, false, true},
    {"tls-san", Strings, "", "Further names and addresses for the API server's certificate", 0, false, true},
    {"write-kubeconfig", String, "", "File of the administrator's kubeconfig; default: DATA_DIR/admin.kubeconfig", 'o', false, true},
    {"write-kubeconfig-mode", String, "0600", "Mode of that file", 0, false, true},
    PINTLE_NODE_FLAGS,
};
constexpr FlagSpec agent_specs[] = {
    {"server", String, "", "URL of the API server to join", 's', false, true},
    {"token", String, "", "Bootstrap token (id.secret) for the first start: of pintle token create, on the server", 0, false, true},
    PINTLE_NODE_FLAGS,
};
#undef PINTLE_NODE_FLAGS

constexpr rt::Duration metrics_resolution_min = std::chrono::seconds(10);  // as metrics-server's: containers that are younger say too little

Result<std::string> scalar_text(const std::string& where, const codec::Value& value) {
  switch (value.kind()) {
    case codec::Value::Kind::String: return value.as_string();
    case codec::Value::Kind::Bool: return std::string(value.as_bool() ? "true" : "false");
    case codec::Value::Kind::Int: return std::to_string(value.as_int());
    default: return bad_request(where + " must be a string, a number, a boolean or a list of them");
  }
}

Result<uint32_t> parse_mode(const std::string& text) {
  const auto mode = parse_number<uint32_t>(text, 8);
  if (!mode || *mode > 0777) return bad_request("--write-kubeconfig-mode must be an octal mode such as 0600, not \"" + text + "\"");
  return *mode;
}

// "key=value:effect" or "key:effect".
Result<NodeTaint> parse_taint(const std::string& text) {
  NodeTaint out;
  const auto colon = text.rfind(':');
  const std::string_view name = std::string_view(text).substr(0, colon);
  const auto equals = name.find('=');
  out.key = name.substr(0, equals);
  if (equals != std::string_view::npos) out.value = name.substr(equals + 1);
  if (colon != std::string::npos) out.effect = text.substr(colon + 1);
  const bool known = out.effect == "NoSchedule" || out.effect == "PreferNoSchedule" || out.effect == "NoExecute";
  if (!known || out.key.empty())
    return bad_request("--node-taint must be key=value:effect with NoSchedule, PreferNoSchedule or NoExecute, not \"" + text + "\"");
  return out;
}

Result<Unit> read_node(const component::FlagSet& flags, ClusterConfig& config) {
  NodeConfig& node = config.node;
  node.name = flags.get_string("node-name");
  node.ip = flags.get_string("node-ip");
  node.labels = flags.get_list("node-label");
  for (const std::string& text : flags.get_list("node-taint")) {
    TRY_ASSIGN(NodeTaint taint, parse_taint(text));
    node.taints.push_back(std::move(taint));
  }
  node.runtime_endpoint = flags.get_string("container-runtime-endpoint");
  node.kubelet_config_file = flags.get_string("kubelet-config");
  node.cgroup_root = flags.get_string("cgroup-root");
  node.cni_bin_dirs = flags.get_list("cni-bin-dir");
  node.registry_config_dir = flags.get_string("registry-config-dir");
  node.containerd_config_dir = flags.get_string("containerd-config-dir");
  if (node.containerd_config_dir.empty()) node.containerd_config_dir = config.data_dir + "/containerd.d";
  node.pause_image = flags.get_string("pause-image");
  node.network_mode = flags.get_string("network-mode");
  if (node.network_mode != "vxlan" && node.network_mode != "host-gw" && node.network_mode != "none")
    return bad_request("--network-mode must be vxlan, host-gw or none, not \"" + node.network_mode + "\"");
  node.kubelet_root_dir = flags.get_string("kubelet-root-dir");
  if (node.kubelet_root_dir.empty()) node.kubelet_root_dir = flags.is_set("data-dir") ? config.data_dir + "/kubelet" : "/var/lib/kubelet";
  if (!node.kubelet_root_dir.starts_with('/'))
    return bad_request("--kubelet-root-dir must be an absolute path, not \"" + node.kubelet_root_dir + "\"");
  config.local_storage_paths = flags.get_list("local-storage-path");
  if (config.local_storage_paths.empty()) config.local_storage_paths = {"default=" + config.data_dir + "/storage"};
  config.local_storage_capacities = flags.get_list("local-storage-capacity");
  node.pod_logs_dir = flags.get_string("pod-logs-dir");
  if (node.pod_logs_dir.empty()) node.pod_logs_dir = flags.is_set("data-dir") ? config.data_dir + "/log/pods" : "/var/log/pods";
  return Unit{};
}

Result<Unit> read_server(const component::FlagSet& flags, ClusterConfig& config) {
  config.node.enabled = !flags.get_bool("disable-agent");
  config.cluster_cidr = flags.get_string("cluster-cidr");
  config.service_cidr = flags.get_string("service-cidr");
  config.dns_allow_from = flags.get_list("dns-allow-from");
  config.cluster_domain = flags.get_string("cluster-domain");
  config.bind_address = flags.get_string("bind-address");
  const int64_t port = flags.get_int("https-listen-port");
  if (port < 1 || port > 65535) return bad_request("--https-listen-port must be 1-65535");
  config.https_listen_port = static_cast<uint16_t>(port);
  config.write_kubeconfig = flags.get_string("write-kubeconfig");
  if (config.write_kubeconfig.empty()) config.write_kubeconfig = config.data_dir + "/admin.kubeconfig";
  TRY_ASSIGN(config.write_kubeconfig_mode, parse_mode(flags.get_string("write-kubeconfig-mode")));
  config.token_ttl = flags.get_duration("token-ttl");
  if (config.token_ttl < rt::Duration::zero()) return bad_request("--token-ttl must not be negative");
  config.metrics_resolution = flags.get_duration("metrics-resolution");
  if (config.metrics_resolution < metrics_resolution_min) return bad_request("--metrics-resolution must be at least 10s");
  config.tls_sans = flags.get_list("tls-san");
  auto first = nth_address(config.cluster_cidr, 1);
  if (!first) return bad_request("--cluster-cidr: " + first.error().message);
  auto dns = nth_address(config.service_cidr, 10);
  if (!dns) return bad_request("--service-cidr: " + dns.error().message);
  config.cluster_dns = flags.get_string("cluster-dns");
  if (config.cluster_dns.empty() && !config.disabled("dns")) config.cluster_dns = *dns;
  return Unit{};
}

}  // namespace

bool ClusterConfig::disabled(std::string_view component) const { return std::find(disable.begin(), disable.end(), component) != disable.end(); }

std::span<const FlagSpec> server_flags() { return server_specs; }
std::span<const FlagSpec> agent_flags() { return agent_specs; }

Result<std::vector<std::string>> arguments_of_file(rt::Disk& disk, const std::string& path) {
  TRY_ASSIGN(const std::string text, disk.read(path));
  auto document = codec::parse_yaml(text);
  if (!document) return bad_request(path + ": " + document.error().message);
  std::vector<std::string> out;
  if (document->is_null()) return out;
  if (!document->is_object()) return bad_request(path + " must hold a mapping of flag names to values");
  for (const auto& [key, value] : document->as_object()) {
    const std::string where = path + ": " + key;
    if (key == "config") return bad_request(where + " cannot stand in a configuration file");
    static const codec::Value::Array none;
    const codec::Value::Array one{value};
    for (const codec::Value& element : value.is_array() ? value.as_array() : value.is_null() ? none : one) {
      TRY_ASSIGN(const std::string item, scalar_text(where, element));
      out.push_back("--" + key + "=" + item);
    }
  }
  return out;
}

Result<ClusterConfig> parse_cluster_config(component::FlagSet& flags, bool server, std::span<const char* const> args, rt::Disk& disk) {
  // Once to find --config, and then in order: what the file says, then what the command line says.
  component::FlagSet probe(server ? "pintle server" : "pintle agent", server ? server_flags() : agent_flags());
  TRY(probe.parse(args));
  std::vector<std::string> from_file;
  if (const std::string file = probe.get_string("config"); !file.empty()) {
    TRY_ASSIGN(from_file, arguments_of_file(disk, file));
  }
  std::vector<const char*> all;
  for (const std::string& argument : from_file) all.push_back(argument.c_str());
  all.insert(all.end(), args.begin(), args.end());
  TRY(flags.parse(all));

  ClusterConfig config;
  config.server = server;
  if (flags.help_requested()) return config;
  config.data_dir = flags.get_string("data-dir");
  if (!config.data_dir.starts_with('/')) return bad_request("--data-dir must be an absolute path, not \"" + config.data_dir + "\"");
  config.disable = flags.get_list("disable");
  for (const std::string& name : config.disable)
    if (std::find(std::begin(components), std::end(components), name) == std::end(components))
      return bad_request("--disable: there is no component \"" + name + "\"");
  config.token = flags.get_string("token");
  if (!config.token.empty() && !is_bootstrap_token(config.token))
    return bad_request("--token must have the form abcdef.0123456789abcdef (lower-case letters and digits)");
  TRY_ASSIGN(config.feature_gates, component::FeatureGates::parse(flags.get_map("feature-gates")));
  for (const auto& [name, on] : flags.get_map("feature-gates")) config.wanted_gates[name] = component::parse_go_bool(on).value_or(false);
  TRY_ASSIGN(config.vmodule, component::log::parse_vmodule(flags.get_string("vmodule")));
  config.verbosity = static_cast<int>(flags.get_int("v"));
  config.json_logs = flags.get_string("logging-format") == "json";
  TRY(read_node(flags, config));
  for (const std::string_view component : component_names) {
    const std::string flag = std::string(component) + "-arg";
    const bool known = std::ranges::find(server ? server_flags() : agent_flags(), std::string_view(flag), &FlagSpec::name) !=
                       (server ? server_flags() : agent_flags()).end();
    config.arguments[std::string(component)] = known ? flags.get_list(flag) : std::vector<std::string>();
  }
  if (server) {
    TRY(read_server(flags, config));
    return config;
  }
  config.server_url = flags.get_string("server");
  if (!config.server_url.starts_with("https://")) return bad_request("--server must be the https:// URL of the API server to join");
  return config;
}

Result<std::string> nth_address(std::string_view cidr, uint64_t n) {
  const auto range = parse_prefix(cidr);
  if (!range) return bad_request("\"" + std::string(cidr) + "\" is not an address range such as 10.0.0.0/16");
  const auto address = range->nth(n);
  if (!address) return bad_request("\"" + std::string(cidr) + "\" is too small");
  return address->to_string();
}

bool is_bootstrap_token(std::string_view token) {
  if (token.size() != 23 || token[6] != '.') return false;
  for (std::size_t i = 0; i < token.size(); ++i)
    if (i != 6 && !((token[i] >= 'a' && token[i] <= 'z') || (token[i] >= '0' && token[i] <= '9'))) return false;
  return true;
}

}  // namespace pintle::cli

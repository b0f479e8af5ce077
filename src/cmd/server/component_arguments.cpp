#include "cmd/server/component_arguments.h"

#include <algorithm>

#include "cmd/kube_apiserver/command.h"
#include "cmd/kube_apiserver/flags.h"
#include "cmd/kube_controller_manager/flags.h"
#include "cmd/kube_proxy/command.h"
#include "cmd/kube_proxy/flags.h"
#include "cmd/kube_scheduler/command.h"
#include "cmd/kube_scheduler/flags.h"
#include "cmd/kubelet/command.h"
#include "cmd/kubelet/flags.h"
#include "cmd/server/manager_options.h"
#include "kubelet/configuration/defaults.h"
#include "kubelet/configuration/validation.h"
#include "proxy/nftables/node_config.h"

namespace pintle::cmd {
namespace {

// Flags of a process with a port, a lease, a log and files of its own, and those that flags of `pintle server` decide. "-" at the end: all
// that begin so.
constexpr std::string_view settled_for_all[] = {"help", "v", "vmodule", "version", "logging-format", "log-", "kubeconfig", "master"};
constexpr std::string_view settled_for_api_server[] = {"advertise-address",
                                                       "authorization-mode",
                                                       "bind-address",
                                                       "cert-dir",
                                                       "client-ca-file",
                                                       "data-dir",
                                                       "enable-bootstrap-token-auth",
                                                       "etcd-",
                                                       "kubelet-certificate-authority",
                                                       "kubelet-client-certificate",
                                                       "kubelet-client-key",
                                                       "proxy-client-",
                                                       "requestheader-",
                                                       "secure-port",
                                                       "service-account-key-file",
                                                       "service-account-signing-key-file",
                                                       "service-cluster-ip-range",
                                                       "tls-cert-file",
                                                       "tls-private-key-file"};
constexpr std::string_view settled_for_controller_manager[] = {"allocate-node-cidrs",
                                                               "authentication-",
                                                               "authorization-",
                                                               "bind-address",
                                                               "cert-dir",
                                                               "client-ca-file",
                                                               "cluster-cidr",
                                                               "cluster-signing-cert-file",
                                                               "cluster-signing-key-file",
                                                               "cluster-signing-kube-",
                                                               "cluster-signing-kubelet-",
                                                               "cluster-signing-legacy-",
                                                               "http2-",
                                                               "kube-api-",
                                                               "leader-elect",
                                                               "leader-elect-",
                                                               "requestheader-",
                                                               "root-ca-file",
                                                               "secure-port",
                                                               "service-account-private-key-file",
                                                               "service-cluster-ip-range",
                                                               "tls-",
                                                               "use-service-account-credentials"};
constexpr std::string_view settled_for_scheduler[] = {"authentication-", "authorization-", "bind-address", "cert-dir",
                                                      "client-ca-file",  "http2-",         "kube-api-",    "leader-elect",
                                                      "leader-elect-",   "requestheader-", "secure-port",  "tls-"};
constexpr std::string_view settled_for_kubelet[] = {"bootstrap-kubeconfig",
                                                    "cert-dir",
                                                    "cgroup-root",
                                                    "client-ca-file",
                                                    "config",
                                                    "container-runtime-endpoint",
                                                    "hostname-override",
                                                    "node-ip",
                                                    "node-labels",
                                                    "oom-score-adj",
                                                    "register-with-taints",
                                                    "root-dir",
                                                    "rotate-certificates",
                                                    "rotate-server-certificates",
                                                    "tls-cert-file",
                                                    "tls-private-key-file"};
constexpr std::string_view settled_for_proxy[] = {"cleanup",   "cluster-cidr",  "hostname-override", "init-only",
                                                  "kube-api-", "oom-score-adj", "write-config-to"};

constexpr std::string_view node_restriction = "NodeRestriction";

struct Component {
  std::string_view name;
  std::span<const component::FlagSpec> (*flags)();
  std::span<const std::string_view> settled;
};
constexpr Component components[] = {{"kube-apiserver", kube_apiserver_flags, settled_for_api_server},
                                    {"kube-controller-manager", kube_controller_manager_flags, settled_for_controller_manager},
                                    {"kube-scheduler", kube_scheduler_flags, settled_for_scheduler},
                                    {"kubelet", kubelet_flags, settled_for_kubelet},
                                    {"kube-proxy", kube_proxy_flags, settled_for_proxy}};

bool is_in(std::string_view name, std::span<const std::string_view> entries) {
  return std::ranges::any_of(entries, [&](std::string_view entry) { return entry.ends_with('-') ? name.starts_with(entry) : name == entry; });
}

Unexpected<Status> bad_argument(std::string_view component, const std::string& why) {
  return bad_request("--" + std::string(component) + "-arg: " + why);
}

// As it stands in the table of `settled_*`: which flag of ours, if any, says it instead is for the help to tell.
Result<Unit> refuse_settled(const cli::ClusterConfig& config, const Component& component) {
  for (const std::string& argument : config.arguments.at(std::string(component.name))) {
    const std::string name = argument.substr(0, argument.find('='));
    if (name.starts_with('-')) return bad_argument(component.name, argument + ": write the flag without its dashes");
    if (is_in(name, settled_for_all) || is_in(name, component.settled))
      return bad_argument(component.name, name + " is settled by pintle " + (config.server ? "server" : "agent") + " itself");
  }
  return Unit{};
}

template <class T>
Result<T> of_arguments(std::string_view component, Result<T> result) {
  if (!result) return bad_argument(component, result.error().message);
  return result;
}

}  // namespace

Result<component::FlagSet> component_flags(const cli::ClusterConfig& config, std::string_view component, std::vector<std::string> ours) {
  const auto* found = std::ranges::find(components, component, &Component::name);
  TRY(refuse_settled(config, *found));
  for (const std::string& argument : config.arguments.at(std::string(component))) ours.push_back("--" + argument);
  std::vector<const char*> pointers;
  for (const std::string& argument : ours) pointers.push_back(argument.c_str());
  component::FlagSet flags(std::string(component), found->flags());
  TRY(of_arguments(component, flags.parse(pointers)));
  return flags;
}

Result<Unit> take_api_server_arguments(const cli::ClusterConfig& config, apiserver::ApiServerOptions& options) {
  TRY_ASSIGN(const component::FlagSet flags, component_flags(config, "kube-apiserver"));
  TRY(of_arguments("kube-apiserver", take_given_flags(flags, options)));
  if (std::ranges::find(options.disable_admission_plugins, node_restriction) != options.disable_admission_plugins.end())
    return bad_argument("kube-apiserver", "disable-admission-plugins: without NodeRestriction every agent is an administrator");
  if (std::ranges::find(options.enable_admission_plugins, node_restriction) == options.enable_admission_plugins.end())
    options.enable_admission_plugins.emplace_back(node_restriction);
  // --feature-gates of the process are for all; what the component's own flag names wins.
  if (!flags.is_set("feature-gates")) options.feature_gates = config.feature_gates;
  return Unit{};
}

Result<SchedulerSettings> scheduler_settings(const cli::ClusterConfig& config, rt::Disk& disk) {
  TRY_ASSIGN(const component::FlagSet flags, component_flags(config, "kube-scheduler"));
  SchedulerSettings out;
  TRY_ASSIGN(out.config, of_arguments("kube-scheduler", scheduler_configuration(disk, flags)));
  TRY_ASSIGN(out.gates, of_arguments("kube-scheduler", component::FeatureGates::parse(flags.get_map("feature-gates"))));
  if (!flags.is_set("feature-gates")) out.gates = config.feature_gates;
  for (const std::string& flag : flags.without_effect()) out.config.without_effect.push_back("--" + flag);
  return out;
}

Result<api::kubeproxyconfig_v1alpha1::KubeProxyConfiguration> proxy_configuration(const cli::ClusterConfig& config, rt::Disk& disk,
                                                                                  const std::string& cluster_cidr) {
  TRY_ASSIGN(const component::FlagSet flags,
             component_flags(config, "kube-proxy", {"--proxy-mode=nftables", "--metrics-bind-address=127.0.0.1:10249"}));
  TRY_ASSIGN(auto out, of_arguments("kube-proxy", kube_proxy_configuration(disk, flags)));
  if (out.cluster_cidr.empty()) out.cluster_cidr = cluster_cidr;
  TRY(of_arguments("kube-proxy", proxy::nftables::validate(out)));
  return out;
}

Result<KubeletSettings> kubelet_settings(const cli::ClusterConfig& config, rt::Disk& disk) {
  std::vector<std::string> ours;
  if (!config.node.kubelet_config_file.empty()) ours.push_back("--config=" + config.node.kubelet_config_file);
  TRY_ASSIGN(const component::FlagSet flags, component_flags(config, "kubelet", std::move(ours)));
  KubeletSettings out;
  TRY_ASSIGN(out.config, read_kubelet_configuration(disk, flags, OlderDefaults::Never));
  out.provider_id = flags.get_string("provider-id");
  out.credential_provider_config = flags.get_string("image-credential-provider-config");
  out.credential_provider_bin_dir = flags.get_string("image-credential-provider-bin-dir");
  out.external_cloud_provider = flags.get_string("cloud-provider") == "external";
  out.without_effect = flags.without_effect();
  return out;
}

Result<Unit> check_component_arguments(const cli::ClusterConfig& config, rt::Disk& disk) {
  if (config.server) {
    apiserver::ApiServerOptions options;
    TRY(take_api_server_arguments(config, options));
    TRY(check_manager_arguments(config));
    TRY(scheduler_settings(config, disk));
  }
  TRY(proxy_configuration(config, disk, config.cluster_cidr));
  TRY_ASSIGN(KubeletSettings kubelet, kubelet_settings(config, disk));
  kubelet::configuration::apply_defaults(kubelet.config);
  TRY(of_arguments("kubelet", kubelet::configuration::validate(kubelet.config)));
  return Unit{};
}

}  // namespace pintle::cmd

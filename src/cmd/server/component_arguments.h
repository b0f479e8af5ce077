// What single components of `pintle server` and `pintle agent` are told: their own flags, by --kube-apiserver-arg, --kubelet-arg and the like,
// laid over what the process settles for them.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "api/gen/kubeletconfig_v1beta1.h"
#include "api/gen/kubeproxyconfig_v1alpha1.h"
#include "apiserver/types/options.h"
#include "cli/cluster_config.h"
#include "component/flags.h"
#include "rt/file.h"
#include "scheduler/config/config.h"

namespace pintle::cmd {

// The flags of one component ("kubelet"): `ours`, then those of its --NAME-arg, so that the user's win. BadRequest names --NAME-arg: no such flag, a
// bad value, or one that this process settles itself.
Result<component::FlagSet> component_flags(const cli::ClusterConfig& config, std::string_view component, std::vector<std::string> ours = {});

// Over `options`, which hold what this process settles. NodeRestriction is on whatever they say.
Result<Unit> take_api_server_arguments(const cli::ClusterConfig& config, apiserver::ApiServerOptions& options);

struct SchedulerSettings {
  scheduler::config::SchedulerConfig config;
  component::FeatureGates gates;
};
Result<SchedulerSettings> scheduler_settings(const cli::ClusterConfig& config, rt::Disk& disk);

// With its defaults; `cluster_cidr` where nothing names another.
Result<api::kubeproxyconfig_v1alpha1::KubeProxyConfiguration> proxy_configuration(const cli::ClusterConfig& config, rt::Disk& disk,
                                                                                  const std::string& cluster_cidr);

struct KubeletSettings {
  api::kubeletconfig_v1beta1::KubeletConfiguration config;  // what --kubelet-config and the flags say, without defaults
  std::string provider_id;
  std::string credential_provider_config;
  std::string credential_provider_bin_dir;
  bool external_cloud_provider = false;
  std::vector<std::string> without_effect;  // flags
};
Result<KubeletSettings> kubelet_settings(const cli::ClusterConfig& config, rt::Disk& disk);

// All of these at once, and the manager's: so that nothing starts on what cannot be read.
Result<Unit> check_component_arguments(const cli::ClusterConfig& config, rt::Disk& disk);

}  // namespace pintle::cmd

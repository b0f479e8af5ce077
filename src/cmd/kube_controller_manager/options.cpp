// Flags → ControllerOptions.
#include <algorithm>

#include "api/codec.h"
#include "api/gen/core_v1.h"
#include "base/split.h"
#include "base/strings.h"
#include "cmd/kube_controller_manager/command.h"
#include "codec/yaml.h"
#include "component/bound_flags.h"
#include "component/feature_gates.h"

namespace pintle::cmd {

namespace {

using component::FlagSet;
using component::into;
using Options = controller::ControllerOptions;

std::vector<std::string> list_of(const std::string& text) {
  const auto words = split_words(text, ',');
  return {words.begin(), words.end()};
}

Result<std::string> read_file(rt::Disk& disk, const FlagSet& flags, std::string_view flag) {
  const std::string path = flags.get_string(flag);
  if (path.empty()) return std::string();
  auto text = disk.read(path);
  if (!text) return bad_request("--" + std::string(flag) + ": " + text.error().message);
  return std::move(*text);
}

Result<Unit> read_service_account_key(rt::Disk& disk, const FlagSet& flags, controller::ControllerOptions& options) {
  constexpr std::string_view flag = "service-account-private-key-file";
  TRY_ASSIGN(const std::string pem, read_file(disk, flags, flag));
  if (pem.empty() && flags.get_string(flag).empty()) return Unit{};
  auto key = component::PrivateKey::parse_pem(pem);
  if (!key) return bad_request("--" + std::string(flag) + ": " + key.error().message);
  options.service_account_key = std::move(*key);
  return Unit{};
}

Result<Unit> read_signers(rt::Disk& disk, const FlagSet& flags, controller::ControllerOptions& options) {
  controller::SigningAuthority common;
  TRY_ASSIGN(common.certificate_pem, read_file(disk, flags, "cluster-signing-cert-file"));
  TRY_ASSIGN(common.key_pem, read_file(disk, flags, "cluster-signing-key-file"));
  struct Signer {
    std::string_view name, cert_flag, key_flag;
  };
  constexpr Signer signers[] = {
      {"kubernetes.io/kube-apiserver-client", "cluster-signing-kube-apiserver-client-cert-file", "cluster-signing-kube-apiserver-client-key-file"},
      {"kubernetes.io/kube-apiserver-client-kubelet", "cluster-signing-kubelet-client-cert-file", "cluster-signing-kubelet-client-key-file"},
      {"kubernetes.io/kubelet-serving", "cluster-signing-kubelet-serving-cert-file", "cluster-signing-kubelet-serving-key-file"},
      {"kubernetes.io/legacy-unknown", "cluster-signing-legacy-unknown-cert-file", "cluster-signing-legacy-unknown-key-file"},
  };
  bool single = false;
  for (const auto& [signer, cert_flag, key_flag] : signers) {
    controller::SigningAuthority own;
    TRY_ASSIGN(own.certificate_pem, read_file(disk, flags, cert_flag));
    TRY_ASSIGN(own.key_pem, read_file(disk, flags, key_flag));
    if (own.certificate_pem.empty() != own.key_pem.empty())
      return bad_request("--" + std::string(cert_flag) + " and --" + std::string(key_flag) + " go together");
    if (own.key_pem.empty()) continue;
    single = true;
    options.signers[std::string(signer)] = std::move(own);
  }
  if (common.certificate_pem.empty() != common.key_pem.empty())
    return bad_request("--cluster-signing-cert-file and --cluster-signing-key-file go together");
  if (common.key_pem.empty()) return Unit{};
  if (single) return bad_request("--cluster-signing-cert-file cannot be combined with the flags of single signers");
  for (const Signer& signer : signers) options.signers[std::string(signer.name)] = common;
  return Unit{};
}

Result<Unit> take_clean_up_period(const FlagSet& flags, std::string_view flag, Options& options) {
  TRY(into<&Options::legacy_token_clean_up_period>(flags, flag, options));
  if (options.legacy_token_clean_up_period <= rt::Duration::zero()) return bad_request("--" + std::string(flag) + " must be more than zero");
  return Unit{};
}

Result<Unit> take_gates(const FlagSet& flags, std::string_view flag, Options& options) {
  TRY_ASSIGN(options.feature_gates, component::FeatureGates::parse(flags.get_map(flag)));
  return Unit{};
}

Result<Unit> take_slice_size(const FlagSet& flags, std::string_view flag, Options& options) {
  TRY(into<&Options::max_endpoints_per_slice>(flags, flag, options));
  if (options.max_endpoints_per_slice < 1 || options.max_endpoints_per_slice > 1000) return bad_request("--max-endpoints-per-slice must be 1-1000");
  return Unit{};
}

// Without a pause autoscalers would be looked at without end.
Result<Unit> take_sync_period(const FlagSet& flags, std::string_view flag, Options& options) {
  TRY(into<&Options::horizontal_pod_autoscaler_sync_period>(flags, flag, options));
  if (options.horizontal_pod_autoscaler_sync_period <= rt::Duration::zero()) return bad_request("--" + std::string(flag) + " must be more than 0");
  return Unit{};
}

Result<Unit> take_reconcile_period(const FlagSet& flags, std::string_view flag, Options& options) {
  TRY(into<&Options::attach_detach_reconcile_sync_period>(flags, flag, options));
  if (options.attach_detach_reconcile_sync_period < std::chrono::seconds(1)) return bad_request("--" + std::string(flag) + " must be 1s or more");
  return Unit{};
}

// Two flags for one period: the longer one counts.
Result<Unit> take_batch_period(const FlagSet& flags, std::string_view flag, Options& options) {
  options.endpoint_updates_batch_period = std::max(options.endpoint_updates_batch_period, flags.get_duration(flag));
  return Unit{};
}

// --pv-recycler-*, by what is scrubbed.
struct RecyclerFlags {
  std::string_view pod_template, minimum, increment;
};
constexpr RecyclerFlags hostpath_flags = {"pv-recycler-pod-template-filepath-hostpath", "pv-recycler-minimum-timeout-hostpath",
                                          "pv-recycler-timeout-increment-hostpath"};
constexpr RecyclerFlags nfs_flags = {"pv-recycler-pod-template-filepath-nfs", "pv-recycler-minimum-timeout-nfs", "pv-recycler-increment-timeout-nfs"};

Result<std::shared_ptr<const api::core_v1::Pod>> pod_of(std::string_view text) {
  TRY_ASSIGN(const codec::Value document, codec::parse_yaml(text));
  if (document.string_at("kind") != "Pod" || document.string_at("apiVersion") != "v1") return bad_request("not a Pod of v1");
  auto pod = std::make_shared<api::core_v1::Pod>();
  TRY(api::decode_value(document, api::type_of<api::core_v1::Pod>(), pod.get()));
  if (pod->spec.volumes.empty()) return bad_request("the pod has no volume, in whose place the one to be scrubbed would come");
  return pod;
}

Result<controller::RecyclerOptions> recycler_of(rt::Disk& disk, const FlagSet& flags, const RecyclerFlags& names) {
  controller::RecyclerOptions out;
  out.minimum_timeout_seconds = flags.get_int(names.minimum);
  out.timeout_increment_seconds = flags.get_int(names.increment);
  if (flags.get_string(names.pod_template).empty()) return out;
  TRY_ASSIGN(const std::string text, read_file(disk, flags, names.pod_template));
  auto pod = pod_of(text);
  if (!pod) return bad_request("--" + std::string(names.pod_template) + ": " + pod.error().message);
  out.pod_template = std::move(*pod);
  return out;
}

constexpr std::pair<std::string_view, std::string_view> workers[] = {
    {"concurrent-deployment-syncs", "deployment-controller"},
    {"concurrent-statefulset-syncs", "statefulset-controller"},
    {"concurrent-daemonset-syncs", "daemonset-controller"},
    {"concurrent-endpoint-syncs", "endpoints-controller"},
    {"concurrent-service-endpoint-syncs", "endpointslice-controller"},
    {"mirroring-concurrent-service-endpoint-syncs", "endpointslice-mirroring-controller"},
    {"concurrent-ephemeralvolume-syncs", "ephemeral-volume-controller"},
    {"concurrent-gc-syncs", "garbage-collector-controller"},
    {"concurrent-horizontal-pod-autoscaler-syncs", "horizontal-pod-autoscaler-controller"},
    {"concurrent-job-syncs", "job-controller"},
    {"concurrent-cron-job-syncs", "cronjob-controller"},
    {"concurrent-namespace-syncs", "namespace-controller"},
    {"concurrent-replicaset-syncs", "replicaset-controller"},
    {"concurrent-rc-syncs", "replicationcontroller-controller"},
    {"concurrent-serviceaccount-token-syncs", "serviceaccount-token-controller"},
    {"concurrent-resource-quota-syncs", "resourcequota-controller"},
    {"concurrent-ttl-after-finished-syncs", "ttl-after-finished-controller"},
    {"concurrent-resourceclaim-syncs", "resourceclaim-controller"},
    {"concurrent-device-taint-eviction-syncs", "device-taint-eviction-controller"},
};

Result<Unit> take_workers(const FlagSet& flags, std::string_view flag, Options& options) {
  const auto controller = std::ranges::find(workers, flag, &std::pair<std::string_view, std::string_view>::first)->second;
  if (flags.is_set(flag)) options.concurrency[std::string(controller)] = static_cast<int>(flags.get_int(flag));
  return Unit{};
}

constexpr component::BoundFlag<Options> bound[] = {
    {"attach-detach-reconcile-sync-period", take_reconcile_period},
    {"cluster-signing-duration", into<&Options::cluster_signing_duration>},
    {"concurrent-cron-job-syncs", take_workers},
    {"concurrent-daemonset-syncs", take_workers},
    {"concurrent-deployment-syncs", take_workers},
    {"concurrent-device-taint-eviction-syncs", take_workers},
    {"concurrent-endpoint-syncs", take_workers},
    {"concurrent-ephemeralvolume-syncs", take_workers},
    {"concurrent-gc-syncs", take_workers},
    {"concurrent-horizontal-pod-autoscaler-syncs", take_workers},
    {"concurrent-job-syncs", take_workers},
    {"concurrent-namespace-syncs", take_workers},
    {"concurrent-rc-syncs", take_workers},
    {"concurrent-replicaset-syncs", take_workers},
    {"concurrent-resource-quota-syncs", take_workers},
    {"concurrent-resourceclaim-syncs", take_workers},
    {"concurrent-service-endpoint-syncs", take_workers},
    {"concurrent-serviceaccount-token-syncs", take_workers},
    {"concurrent-statefulset-syncs", take_workers},
    {"concurrent-ttl-after-finished-syncs", take_workers},
    {"disable-attach-detach-reconcile-sync", into<&Options::disable_attach_detach_reconcile_sync>},
    {"disable-force-detach-on-timeout", into<&Options::disable_force_detach_on_timeout>},
    {"enable-hostpath-provisioner", into<&Options::enable_hostpath_provisioner>},
    {"endpoint-updates-batch-period", take_batch_period},
    {"endpointslice-updates-batch-period", take_batch_period},
    {"feature-gates", take_gates},
    {"horizontal-pod-autoscaler-cpu-initialization-period", into<&Options::horizontal_pod_autoscaler_cpu_initialization_period>},
    {"horizontal-pod-autoscaler-downscale-stabilization", into<&Options::horizontal_pod_autoscaler_downscale_stabilization>},
    {"horizontal-pod-autoscaler-initial-readiness-delay", into<&Options::horizontal_pod_autoscaler_initial_readiness_delay>},
    {"horizontal-pod-autoscaler-sync-period", take_sync_period},
    {"horizontal-pod-autoscaler-tolerance", into<&Options::horizontal_pod_autoscaler_tolerance>},
    {"large-cluster-size-threshold", into<&Options::large_cluster_size_threshold>},
    {"legacy-service-account-token-clean-up-period", take_clean_up_period},
    {"max-endpoints-per-slice", take_slice_size},
    {"mirroring-concurrent-service-endpoint-syncs", take_workers},
    {"mirroring-max-endpoints-per-subset", into<&Options::mirroring_max_endpoints_per_subset>},
    {"node-eviction-rate", into<&Options::node_eviction_rate>},
    {"node-monitor-grace-period", into<&Options::node_monitor_grace_period>},
    {"node-startup-grace-period", into<&Options::node_startup_grace_period>},
    {"resource-quota-sync-period", into<&Options::resource_quota_sync_period>},
    {"secondary-node-eviction-rate", into<&Options::secondary_node_eviction_rate>},
    {"terminated-pod-gc-threshold", into<&Options::terminated_pod_gc_threshold>},
    {"unhealthy-zone-threshold", into<&Options::unhealthy_zone_threshold>},
};

Result<Unit> read_network(const FlagSet& flags, controller::ControllerOptions& options) {
  options.allocate_node_cidrs = flags.get_bool("allocate-node-cidrs");
  options.cluster_cidrs = list_of(flags.get_string("cluster-cidr"));
  options.service_cidrs = list_of(flags.get_string("service-cluster-ip-range"));
  if (options.allocate_node_cidrs && options.cluster_cidrs.empty()) return bad_request("--allocate-node-cidrs needs --cluster-cidr");
  const auto size = [&](std::string_view flag, int usual) { return flags.get_int(flag) > 0 ? static_cast<int>(flags.get_int(flag)) : usual; };
  if (options.cluster_cidrs.size() == 1) {
    (options.cluster_cidrs[0].contains(':') ? options.node_cidr_mask_size_v6 : options.node_cidr_mask_size_v4) =
        size("node-cidr-mask-size", options.cluster_cidrs[0].contains(':') ? 64 : 24);
  } else if (flags.is_set("node-cidr-mask-size")) {
    return bad_request("--node-cidr-mask-size is for clusters of one IP family; use --node-cidr-mask-size-ipv4 and -ipv6");
  }
  if (flags.is_set("node-cidr-mask-size-ipv4")) options.node_cidr_mask_size_v4 = size("node-cidr-mask-size-ipv4", 24);
  if (flags.is_set("node-cidr-mask-size-ipv6")) options.node_cidr_mask_size_v6 = size("node-cidr-mask-size-ipv6", 64);
  return Unit{};
}

}  // namespace

Result<controller::ControllerOptions> controller_options(rt::Disk& disk, const FlagSet& flags) {
  controller::ControllerOptions options;
  TRY(component::take_flags<Options>(flags, bound, options));
  TRY(read_network(flags, options));
  TRY_ASSIGN(options.root_ca_pem, read_file(disk, flags, "root-ca-file"));
  TRY(read_service_account_key(disk, flags, options));
  TRY(read_signers(disk, flags, options));
  TRY_ASSIGN(options.hostpath_recycler, recycler_of(disk, flags, hostpath_flags));
  TRY_ASSIGN(options.nfs_recycler, recycler_of(disk, flags, nfs_flags));
  return options;
}

Result<std::string> trusted_authority(rt::Disk& disk, const net::ClientOptions& tls) {
  if (!tls.ca_pem.empty() || tls.ca_file.empty()) return tls.ca_pem;
  return disk.read(tls.ca_file);
}

std::vector<std::string> selected_controllers(const FlagSet& flags) {
  std::vector<std::string> out = flags.get_list("controllers");
  if (out.empty()) out = {"*"};
  if (!flags.get_bool("enable-garbage-collector")) out.push_back("-garbage-collector-controller");
  return out;
}

}  // namespace pintle::cmd

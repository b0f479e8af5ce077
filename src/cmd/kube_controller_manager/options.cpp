// Flags → ControllerOptions.
#include "base/split.h"
#include "base/strings.h"
#include "cmd/kube_controller_manager/command.h"
#include "component/feature_gates.h"

namespace pintle::cmd {

namespace {

using component::FlagSet;

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

void read_concurrency(const FlagSet& flags, controller::ControllerOptions& options) {
  constexpr std::pair<std::string_view, std::string_view> workers[] = {
      {"deployment-controller", "concurrent-deployment-syncs"},
      {"statefulset-controller", "concurrent-statefulset-syncs"},
      {"daemonset-controller", "concurrent-daemonset-syncs"},
      {"endpoints-controller", "concurrent-endpoint-syncs"},
      {"endpointslice-controller", "concurrent-service-endpoint-syncs"},
      {"endpointslice-mirroring-controller", "mirroring-concurrent-service-endpoint-syncs"},
      {"ephemeral-volume-controller", "concurrent-ephemeralvolume-syncs"},
      {"garbage-collector-controller", "concurrent-gc-syncs"},
      {"job-controller", "concurrent-job-syncs"},
      {"cronjob-controller", "concurrent-cron-job-syncs"},
      {"namespace-controller", "concurrent-namespace-syncs"},
      {"replicaset-controller", "concurrent-replicaset-syncs"},
      {"replicationcontroller-controller", "concurrent-rc-syncs"},
      {"resourcequota-controller", "concurrent-resource-quota-syncs"},
      {"ttl-after-finished-controller", "concurrent-ttl-after-finished-syncs"},
  };
  for (const auto& [name, flag] : workers)
    if (flags.is_set(flag)) options.concurrency[std::string(name)] = static_cast<int>(flags.get_int(flag));
}

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
  TRY_ASSIGN(options.feature_gates, component::FeatureGates::parse(flags.get_map("feature-gates")));
  TRY(read_network(flags, options));
  TRY_ASSIGN(options.root_ca_pem, read_file(disk, flags, "root-ca-file"));
  TRY(read_signers(disk, flags, options));
  read_concurrency(flags, options);
  options.cluster_signing_duration = flags.get_duration("cluster-signing-duration");
  options.node_monitor_grace_period = flags.get_duration("node-monitor-grace-period");
  options.node_startup_grace_period = flags.get_duration("node-startup-grace-period");
  options.node_eviction_rate = flags.get_float("node-eviction-rate");
  options.secondary_node_eviction_rate = flags.get_float("secondary-node-eviction-rate");
  options.unhealthy_zone_threshold = flags.get_float("unhealthy-zone-threshold");
  options.large_cluster_size_threshold = static_cast<int>(flags.get_int("large-cluster-size-threshold"));
  options.terminated_pod_gc_threshold = static_cast<int>(flags.get_int("terminated-pod-gc-threshold"));
  options.resource_quota_sync_period = flags.get_duration("resource-quota-sync-period");
  options.max_endpoints_per_slice = static_cast<int>(flags.get_int("max-endpoints-per-slice"));
  if (options.max_endpoints_per_slice < 1 || options.max_endpoints_per_slice > 1000) return bad_request("--max-endpoints-per-slice must be 1-1000");
  options.mirroring_max_endpoints_per_subset = static_cast<int>(flags.get_int("mirroring-max-endpoints-per-subset"));
  options.endpoint_updates_batch_period =
      std::max(flags.get_duration("endpoint-updates-batch-period"), flags.get_duration("endpointslice-updates-batch-period"));
  return options;
}

std::vector<std::string> selected_controllers(const FlagSet& flags) {
  std::vector<std::string> out = flags.get_list("controllers");
  if (out.empty()) out = {"*"};
  if (!flags.get_bool("enable-garbage-collector")) out.push_back("-garbage-collector-controller");
  return out;
}

}  // namespace pintle::cmd

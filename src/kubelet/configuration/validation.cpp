#include "kubelet/configuration/validation.h"

#include <fmt/format.h>

#include <algorithm>
#include <initializer_list>
#include <set>

#include "kubelet/cgroups/cgroup_configuration.h"
#include "kubelet/configuration/taints.h"
#include "kubelet/eviction/thresholds.h"
#include "kubelet/images/image_plan.h"
#include "kubelet/images/verification_policy.h"
#include "kubelet/resources/node_resources.h"
#include "kubelet/static_pods/url_pod_source.h"

namespace pintle::kubelet::configuration {

namespace {

using Configuration = api::kubeletconfig_v1beta1::KubeletConfiguration;

constexpr int64_t second_ns = 1'000'000'000;
constexpr int64_t user_ids_unit = 65536;
constexpr int64_t user_ids_max = int64_t{1} << 32;
constexpr int64_t restart_period_max_seconds = 300;  // upstream's bound of maxContainerRestartPeriod

// Gathers what is wrong, a clause for each field.
class Faults {
 public:
  void add(std::string_view field, std::string_view why) { text_ += fmt::format("{}{}: {}", text_.empty() ? "" : "; ", field, why); }
  void add_if(bool wrong, std::string_view field, std::string_view why) {
    if (wrong) add(field, why);
  }
  void in_range(std::string_view field, int64_t value, int64_t least, int64_t most) {
    if (value < least || value > most) add(field, fmt::format("{} is not within {} to {}", value, least, most));
  }
  void at_least(std::string_view field, int64_t value, int64_t least) {
    if (value < least) add(field, fmt::format("{} is less than {}", value, least));
  }
  void one_of(std::string_view field, std::string_view value, std::initializer_list<std::string_view> known) {
    if (std::ranges::find(known, value) != known.end()) return;
    std::string list;
    for (const std::string_view one : known) list += fmt::format("{}\"{}\"", list.empty() ? "" : ", ", one);
    add(field, fmt::format("\"{}\" is none of {}", value, list));
  }
  template <class T>
  void take(const Result<T>& outcome) {
    if (outcome) return;
    std::string_view message = outcome.error().message;
    constexpr std::string_view prefix = "invalid configuration: ";
    if (message.starts_with(prefix)) message.remove_prefix(prefix.size());
    text_ += fmt::format("{}{}", text_.empty() ? "" : "; ", message);
  }
  const std::string& text() const { return text_; }

 private:
  std::string text_;
};

void check_server(const Configuration& c, const component::FeatureGates& gates, Faults& faults) {
  faults.in_range("port", c.port, 1, 65535);
  faults.in_range("readOnlyPort", c.read_only_port, 0, 65535);
  faults.in_range("healthzPort", c.healthz_port.value_or(0), 0, 65535);
  faults.one_of("tlsMinVersion", c.tls_min_version, {"", "VersionTLS12", "VersionTLS13"});
  faults.add_if(c.tls_cert_file.empty() != c.tls_private_key_file.empty(), "tlsCertFile", "goes together with tlsPrivateKeyFile");
  faults.add_if(!c.tls_curve_preferences.empty(), "tlsCurvePreferences", "this release cannot choose curves, and does not start as if it could");
  faults.one_of("authorization.mode", c.authorization.mode, {"AlwaysAllow", "Webhook"});
  faults.add_if(c.server_tls_bootstrap && !gates.enabled("RotateKubeletServerCertificate"), "serverTLSBootstrap",
                "needs the feature gate RotateKubeletServerCertificate");
  faults.add_if(c.enable_system_log_query.value_or(false) && !c.enable_system_log_handler.value_or(true), "enableSystemLogQuery",
                "needs enableSystemLogHandler");
}

void check_rates(const Configuration& c, Faults& faults) {
  faults.at_least("kubeAPIQPS", c.kube_apiqps.value_or(0), 0);
  faults.at_least("kubeAPIBurst", c.kube_api_burst, 0);
  faults.at_least("eventRecordQPS", c.event_record_qps.value_or(0), 0);
  faults.at_least("eventBurst", c.event_burst, 0);
  faults.at_least("registryPullQPS", c.registry_pull_qps.value_or(0), 0);
  faults.at_least("registryBurst", c.registry_burst, 0);
  faults.at_least("maxPods", c.max_pods, 0);
  faults.at_least("podsPerCore", c.pods_per_core, 0);
  faults.at_least("maxOpenFiles", c.max_open_files, 0);
  faults.at_least("nodeStatusMaxImages", c.node_status_max_images.value_or(0), -1);
  faults.at_least("nodeLeaseDurationSeconds", c.node_lease_duration_seconds, 1);
  faults.in_range("oomScoreAdj", c.oom_score_adj.value_or(0), -1000, 1000);
  faults.in_range("iptablesMasqueradeBit", c.iptables_masquerade_bit.value_or(0), 0, 31);
  faults.in_range("iptablesDropBit", c.iptables_drop_bit.value_or(0), 0, 31);
}

void check_static_pods(const Configuration& c, Faults& faults) {
  faults.take(static_pods::check_static_pod_url(c));
  faults.add_if(c.http_check_frequency.nanos < 0, "httpCheckFrequency", "is negative");
}

void check_images(const Configuration& c, Faults& faults) {
  faults.take(images::image_policy(c));
  faults.add_if(c.image_maximum_gc_age.nanos < 0, "imageMaximumGCAge", "is negative");
  faults.add_if(c.image_maximum_gc_age.nanos > 0 && c.image_maximum_gc_age.nanos <= c.image_minimum_gc_age.nanos, "imageMaximumGCAge",
                "is not above imageMinimumGCAge");
  if (c.max_parallel_image_pulls) {
    faults.at_least("maxParallelImagePulls", *c.max_parallel_image_pulls, 1);
    faults.add_if(*c.max_parallel_image_pulls > 1 && c.serialize_image_pulls.value_or(true), "maxParallelImagePulls",
                  "is more than one beside serializeImagePulls");
  }
  faults.take(images::VerificationPolicy::make(c));
}

void check_cgroups(const Configuration& c, Faults& faults) {
  const bool enforces_any = std::ranges::any_of(c.enforce_node_allocatable, [](const std::string& one) { return one != "none"; });
  faults.add_if(!c.cgroups_per_qos.value_or(true) && enforces_any, "enforceNodeAllocatable", "needs cgroupsPerQOS, or must be none");
  faults.add_if(!c.system_cgroups.empty() && c.cgroup_root.empty(), "systemCgroups", "needs cgroupRoot");
  faults.one_of("cgroupDriver", c.cgroup_driver, {"cgroupfs", "systemd"});
  faults.take(cgroups::pod_cgroup_options(c));
  faults.take(cgroups::reserved_cgroups(c));
  faults.take(resources::reserved_resources(c));
  faults.add_if(!c.reserved_system_cpus.empty() && (!c.system_reserved_cgroup.empty() || !c.kube_reserved_cgroup.empty()), "reservedSystemCPUs",
                "does not go with systemReservedCgroup or kubeReservedCgroup");
  if (c.memory_throttling_factor)
    faults.add_if(*c.memory_throttling_factor <= 0 || *c.memory_throttling_factor > 1, "memoryThrottlingFactor", "is not above 0 and up to 1");
  faults.one_of("memoryReservationPolicy", c.memory_reservation_policy, {"", "None", "TieredReservation"});
  faults.one_of("memorySwap.swapBehavior", c.memory_swap.swap_behavior, {"", "NoSwap", "LimitedSwap"});
}

void check_managers(const Configuration& c, const component::FeatureGates& gates, Faults& faults) {
  faults.one_of("cpuManagerPolicy", c.cpu_manager_policy, {"none", "static"});
  faults.add_if(c.cpu_manager_policy == "none" && !c.cpu_manager_policy_options.empty(), "cpuManagerPolicyOptions", "the policy none takes none");
  faults.add_if(c.cpu_manager_reconcile_period.nanos <= 0, "cpuManagerReconcilePeriod", "is not above 0");
  constexpr std::string_view cpu_options[] = {"full-pcpus-only",        "distribute-cpus-across-numa",
                                              "align-by-socket",        "distribute-cpus-across-cores",
                                              "strict-cpu-reservation", "prefer-align-cpus-by-uncorecache"};
  for (const auto& [name, value] : c.cpu_manager_policy_options)
    faults.add_if(std::ranges::find(cpu_options, name) == std::end(cpu_options), "cpuManagerPolicyOptions", "there is no option " + name);
  faults.one_of("memoryManagerPolicy", c.memory_manager_policy, {"None", "Static"});
  faults.add_if(c.memory_manager_policy == "Static" && c.reserved_memory.empty(), "memoryManagerPolicy", "Static needs reservedMemory");
  faults.add_if(c.memory_manager_policy == "None" && !c.reserved_memory.empty(), "reservedMemory", "needs the memoryManagerPolicy Static");
  std::set<int32_t> nodes;
  for (const auto& one : c.reserved_memory) {
    faults.add_if(!nodes.insert(one.numa_node).second, "reservedMemory", fmt::format("names the NUMA node {} twice", one.numa_node));
    faults.add_if(one.limits.empty(), "reservedMemory", fmt::format("reserves nothing of the NUMA node {}", one.numa_node));
  }
  faults.one_of("topologyManagerPolicy", c.topology_manager_policy, {"none", "best-effort", "restricted", "single-numa-node"});
  faults.one_of("topologyManagerScope", c.topology_manager_scope, {"container", "pod"});
  constexpr std::string_view topology_options[] = {"prefer-closest-numa-nodes", "max-allowable-numa-nodes"};
  for (const auto& [name, value] : c.topology_manager_policy_options)
    faults.add_if(std::ranges::find(topology_options, name) == std::end(topology_options), "topologyManagerPolicyOptions",
                  "there is no option " + name);
  faults.add_if(!c.qos_reserved.empty() && !gates.enabled("QOSReserved"), "qosReserved", "needs the feature gate QOSReserved");
  for (const auto& [name, share] : c.qos_reserved) faults.add_if(name != "memory" || !share.ends_with('%'), "qosReserved", "is memory=N%");
}

void check_shutdown(const Configuration& c, const component::FeatureGates& gates, Faults& faults) {
  const int64_t all = c.shutdown_grace_period.nanos, critical = c.shutdown_grace_period_critical_pods.nanos;
  faults.add_if(critical > all, "shutdownGracePeriodCriticalPods", "is longer than shutdownGracePeriod");
  faults.add_if(all < 0 || (all > 0 && all < second_ns), "shutdownGracePeriod", "is neither 0 nor 1s or more");
  faults.add_if(critical < 0 || (critical > 0 && critical < second_ns), "shutdownGracePeriodCriticalPods", "is neither 0 nor 1s or more");
  faults.add_if((all > 0 || critical > 0) && !gates.enabled("GracefulNodeShutdown"), "shutdownGracePeriod",
                "needs the feature gate GracefulNodeShutdown");
  const auto& groups = c.shutdown_grace_period_by_pod_priority;
  faults.add_if(!groups.empty() && !gates.enabled("GracefulNodeShutdownBasedOnPodPriority"), "shutdownGracePeriodByPodPriority",
                "needs the feature gate GracefulNodeShutdownBasedOnPodPriority");
  faults.add_if(!groups.empty() && (all > 0 || critical > 0), "shutdownGracePeriodByPodPriority", "does not go with shutdownGracePeriod");
  for (const auto& group : groups)
    faults.add_if(group.shutdown_grace_period_seconds < 0, "shutdownGracePeriodByPodPriority",
                  fmt::format("the period of priority {} is negative", group.priority));
}

void check_pods(const Configuration& c, const component::FeatureGates& gates, Faults& faults) {
  faults.one_of("hairpinMode", c.hairpin_mode, {"none", "hairpin-veth", "promiscuous-bridge"});
  faults.one_of("configMapAndSecretChangeDetectionStrategy", c.config_map_and_secret_change_detection_strategy, {"Get", "Cache", "Watch"});
  if (const auto& most = c.crash_loop_back_off.max_container_restart_period) {
    faults.add_if(!gates.enabled("KubeletCrashLoopBackOffMax"), "crashLoopBackOff.maxContainerRestartPeriod",
                  "needs the feature gate KubeletCrashLoopBackOffMax");
    faults.add_if(most->nanos < second_ns || most->nanos > restart_period_max_seconds * second_ns, "crashLoopBackOff.maxContainerRestartPeriod",
                  "is not within 1s to 5m0s");
  }
  faults.add_if(c.container_runtime_endpoint.empty(), "containerRuntimeEndpoint", "is empty");
  faults.at_least("containerLogMaxWorkers", c.container_log_max_workers.value_or(1), 1);
  faults.at_least("containerLogMaxFiles", c.container_log_max_files.value_or(2), 2);
  const auto size = api::Quantity::parse(c.container_log_max_size);
  faults.add_if(!size || size->value() <= 0, "containerLogMaxSize", fmt::format("\"{}\" is no size such as 10Mi", c.container_log_max_size));
  faults.add_if(c.container_log_monitor_interval && c.container_log_monitor_interval->nanos < 3 * second_ns, "containerLogMonitorInterval",
                "is less than 3s");
  const std::string& logs = c.pod_logs_dir;
  faults.add_if(!logs.starts_with('/') || logs.find("//") != std::string::npos || logs.find("/../") != std::string::npos || logs.ends_with("/.."),
                "podLogsDir", fmt::format("\"{}\" is no plain path from the root", logs));
  if (c.user_namespaces && c.user_namespaces->ids_per_pod) {
    const int64_t ids = *c.user_namespaces->ids_per_pod;
    faults.add_if(ids <= 0 || ids % user_ids_unit != 0 || ids >= user_ids_max, "userNamespaces.idsPerPod",
                  fmt::format("{} is no multiple of 65536 below 2^32", ids));
  }
  if (const auto taints = check_taints(c.register_with_taints); !taints) faults.add("registerWithTaints", taints.error().message);
}

void check_logging(const Configuration& c, Faults& faults) {
  faults.one_of("logging.format", c.logging.format, {"text", "json"});
  for (const auto& item : c.logging.vmodule)
    faults.add_if(item.file_pattern.empty() || item.file_pattern.find_first_of("=,") != std::string::npos, "logging.vmodule",
                  fmt::format("\"{}\" is no pattern of source files", item.file_pattern));
}

}  // namespace

Result<component::FeatureGates> feature_gates(const Configuration& config) {
  std::map<std::string, bool> wanted;
  for (const auto& [name, on] : config.feature_gates) wanted.emplace(name, on);
  auto gates = component::FeatureGates::parse(wanted);
  if (!gates) return error(Reason::Invalid, "invalid configuration: featureGates: " + gates.error().message);
  return gates;
}

Result<Unit> validate(const Configuration& config) {
  TRY_ASSIGN(const component::FeatureGates gates, feature_gates(config));
  Faults faults;
  check_server(config, gates, faults);
  check_rates(config, faults);
  check_static_pods(config, faults);
  check_images(config, faults);
  check_cgroups(config, faults);
  check_managers(config, gates, faults);
  check_shutdown(config, gates, faults);
  check_pods(config, gates, faults);
  check_logging(config, faults);
  faults.take(eviction::eviction_thresholds(config));
  faults.add_if(config.protect_kernel_defaults, "protectKernelDefaults",
                "this release does not check the kernel's settings, and does not start as if it did");
  if (!faults.text().empty()) return error(Reason::Invalid, "invalid configuration: " + faults.text());
  return Unit{};
}

}  // namespace pintle::kubelet::configuration

#include "kubelet/node_runtime.h"

#include <algorithm>

#include "component/log.h"
#include "kubelet/cgroups/cgroup_configuration.h"
#include "os/slice_cgroups.h"
#include "rt/backoff.h"

namespace pintle::kubelet {

using api::core_v1::Pod;
using api::kubeletconfig_v1beta1::KubeletConfiguration;
namespace log = component::log;

namespace {

constexpr auto* container_log_links = "/var/log/containers";              // to pods' logs, for those who gather them
constexpr rt::Duration cgroup_driver_patience = std::chrono::seconds(5);  // with a runtime that does not answer
constexpr rt::BackoffOptions cgroup_driver_retry{.initial = std::chrono::milliseconds(100), .max = std::chrono::seconds(5)};

images::ImagePullerOptions image_options(const KubeletConfiguration& config) {
  images::ImagePullerOptions out;
  if (!config.serialize_image_pulls.value_or(true))
    out.parallel_pulls_max = config.max_parallel_image_pulls ? static_cast<std::size_t>(*config.max_parallel_image_pulls) : 0;
  out.pulls_per_second = config.registry_pull_qps.value_or(0);
  out.pull_burst = config.registry_burst;
  return out;
}

container_config::UserNamespaceOptions user_namespace_options(const KubeletConfiguration& config) {
  container_config::UserNamespaceOptions out{.pods_max = static_cast<uint32_t>(std::max(config.max_pods, 1))};
  if (config.user_namespaces && config.user_namespaces->ids_per_pod) out.ids_per_pod = static_cast<uint32_t>(*config.user_namespaces->ids_per_pod);
  return out;
}

// Warning events about a pod as a whole.
auto warn_of_pod(PodEvents& events) {
  return [&events](const Pod& pod, std::string_view reason, const std::string& message) { events.warning(pod, "", reason, message); };
}

}  // namespace

Result<std::unique_ptr<cri::RuntimeClient>> connect_runtime(rt::Runtime& runtime, const KubeletConfiguration& configuration) {
  cri::RuntimeClientOptions at;
  at.endpoint = configuration.container_runtime_endpoint;
  at.image_endpoint = configuration.image_service_endpoint;
  if (configuration.runtime_request_timeout.nanos > 0) at.request_timeout = rt::Duration(configuration.runtime_request_timeout.nanos);
  return cri::RuntimeClient::make(runtime, at);
}

// Kubelet and runtime must name cgroups alike: what the runtime says outweighs the configuration. An older one does not know the
// question, and one that does not run yet is not waited for.
rt::Task<std::string> cgroup_driver(rt::Runtime& runtime, cri::RuntimeClient& cri, std::string configured) {
  const rt::Context bounded = rt::Context::background().with_timeout(cgroup_driver_patience);
  rt::Backoff backoff(cgroup_driver_retry);
  while (true) {
    const auto answer = co_await cri.runtime_config(bounded);
    if (answer) {
      if (!answer->linux) co_return configured;
      const std::string told = answer->linux->cgroup_driver == api::cri_v1::CgroupDriver::Systemd ? "systemd" : "cgroupfs";
      if (told != configured) log::info(0, "The runtime's cgroup driver is taken", {{"runtime", told}, {"configured", configured}});
      co_return told;
    }
    if (answer.error().reason == Reason::MethodNotAllowed) co_return configured;
    if (!bounded.done()) (void)co_await rt::sleep_for(bounded, backoff.next(runtime.random()));
    if (!bounded.done()) continue;
    log::warning("The runtime does not say its cgroup driver; the configured one is taken",
                 {{"driver", configured}, {"err", answer.error().message}});
    co_return configured;
  }
}

Result<NodeCgroups> make_node_cgroups(const KubeletConfiguration& configuration, const NodeFacts& facts) {
  TRY_ASSIGN(cgroups::PodCgroupOptions options, cgroups::pod_cgroup_options(configuration));
  TRY_ASSIGN(const auto reserved, cgroups::reserved_cgroups(configuration));
  NodeCgroups out;
  if (!configuration.cgroups_per_qos.value_or(true)) return out;
  TRY_ASSIGN(out.machine, os::make_cgroups());
  if (options.systemd_driver) {
    auto slices = os::make_slice_cgroups(std::move(out.machine));
    if (!slices) return error(slices.error().reason, "the cgroup driver systemd cannot be used: " + slices.error().message);
    out.machine = std::move(*slices);
  }
  out.v2 = out.machine->version() == os::CgroupVersion::V2;
  if (!out.v2 && configuration.fail_cgroup_v_1.value_or(true))
    return error(Reason::Invalid,
                 "this machine has cgroups of version 1, and failCgroupV1 (--fail-cgroupv1) refuses them: boot it with version 2, or "
                 "set it to false");
  options.hugepage_sizes_bytes = facts.machine.hugepage_sizes_bytes;
  options.unlimited_with_own_cpus = configuration.cpu_manager_policy == "static" && facts.gates.enabled("DisableCPUQuotaWithExclusiveCPUs");
  out.pods = std::make_unique<cgroups::PodCgroups>(*out.machine, std::move(options));
  TRY(out.pods->set_up(facts.for_pods));
  out.limits_swap = out.pods->limits_swap();
  TRY(cgroups::enforce(*out.machine, reserved));
  return out;
}

Result<ImageSettings> image_settings(rt::Disk& disk, const KubeletOptions& options, const NodeFacts& facts) {
  ImageSettings out;
  TRY_ASSIGN(out.verification, images::VerificationPolicy::make(options.configuration));
  const std::string &config = options.credential_provider_config, &bin_dir = options.credential_provider_bin_dir;
  if (config.empty() && bin_dir.empty()) return out;  // one without the other is a mistake
  const bool tokens = facts.gates.enabled("KubeletServiceAccountTokenForCredentialProviders");
  TRY_ASSIGN(out.credentials, images::read_credential_configuration(disk, config, bin_dir, tokens));
  return out;
}

namespace {

rt::Duration usage_period(const KubeletConfiguration& configuration) {
  const rt::Duration said(configuration.volume_stats_agg_period.nanos);
  return said == rt::Duration(0) ? rt::Duration(std::chrono::minutes(1)) : said;
}

}  // namespace

NodeRuntime::NodeRuntime(NodeRuntimeDeps deps_in, NodeCgroups cgroups_in, ImageSettings settings)
    : deps(deps_in),
      cgroups(std::move(cgroups_in)),
      observer(deps.cri),
      volumes(volumes::make_volume_manager(volume_deps())),
      volume_usages(
          deps.runtime, [this](rt::Context ctx) { return volumes->usage(std::move(ctx)); }, usage_period(deps.options.configuration)),
      user_namespaces(deps.runtime.disk(), deps.paths, user_namespace_options(deps.options.configuration)),
      configurator(configurator_deps()),
      image_access(deps.runtime, deps.cri, std::move(settings.verification), deps.paths.root()),
      node_credentials(deps.runtime, deps.paths.root(), os::home_directory()),
      credential_providers(deps.runtime, deps.cluster.client, std::move(settings.credentials)),
      images(image_deps(), image_options(deps.options.configuration)),
      hooks(deps.runtime, deps.cri),
      pods(pod_deps()) {}

volumes::VolumeManagerDeps NodeRuntime::volume_deps() {
  volumes::VolumeManagerDeps out{deps.runtime, deps.cluster.client, deps.cluster.objects.get(), deps.paths};
  out.node_allocatable = [this] { return deps.facts.allocatable; };
  out.warn = warn_of_pod(deps.cluster.events);
  out.tell = [&events = deps.cluster.events](const Pod& pod, std::string_view reason, const std::string& message) {
    events.normal(pod, {}, reason, message);
  };
  out.node_name = deps.cluster.node_name;
  out.csi = deps.plugins.csi_access();
  out.in_use_changed = [this] { deps.changes.node_status(); };
  return out;
}

container_config::ConfiguratorDeps NodeRuntime::configurator_deps() {
  container_config::ConfiguratorDeps out{deps.runtime, *volumes, deps.cluster.objects.get()};
  out.node = [this] { return node_config(); };
  out.services = [this] { return deps.cluster.services(); };
  out.cgroup_parent = [this](const Pod& pod) { return cgroups.pods ? cgroups.pods->parent_of(pod) : std::string(); };
  out.handler_features = [this](rt::Context ctx, PodPtr pod) { return features_for(std::move(ctx), std::move(pod)); };
  out.user_namespaces = &user_namespaces;
  out.cpus = [this](const std::string& uid, const std::string& container) {
    container_config::ContainerCpus of;
    of.list = deps.cpus.cpus_of(uid, container);
    of.unlimited = !deps.cpus.own_cpus(uid, container).empty() && deps.facts.gates.enabled("DisableCPUQuotaWithExclusiveCPUs");
    return of;
  };
  out.memory_nodes = [&memory = deps.memory](const Pod& pod, const std::string& container) {
    memory.begin_container(pod, container);
    return memory.nodes_of(pod.metadata.uid, container);
  };
  out.devices = [this](rt::Context ctx, PodPtr pod, std::string container) {
    return devices_of(std::move(ctx), std::move(pod), std::move(container));
  };
  out.warn = warn_of_pod(deps.cluster.events);
  return out;
}

// What its claims give to it, and then what device plugins do.
rt::Task<Result<devices::ContainerDevices>> NodeRuntime::devices_of(rt::Context ctx, PodPtr pod, std::string container) {
  std::vector<std::string> of_claims;
  if (const auto spec = container_config::find_container(pod->spec, container)) {
    CO_TRY_ASSIGN(of_claims, deps.plugins.claims.cdi_devices(*pod, *spec));
  }
  CO_TRY_ASSIGN(auto out, co_await deps.plugins.devices.container_devices(std::move(ctx), std::move(pod), std::move(container)));
  out.cdi_devices.insert(out.cdi_devices.begin(), of_claims.begin(), of_claims.end());
  co_return std::move(out);
}

images::ImagePullerDeps NodeRuntime::image_deps() {
  images::ImagePullerDeps out{deps.runtime, deps.cri, deps.cluster.events, deps.cluster.objects.get()};
  out.access = &image_access;
  out.node_credentials = &node_credentials;
  out.providers = &credential_providers;
  out.pulled = [this] { deps.changes.images(); };
  return out;
}

runtime::PodRuntimeDeps NodeRuntime::pod_deps() {
  runtime::PodRuntimeDeps out{deps.runtime, deps.cri, configurator, images, hooks, deps.cluster.events, deps.paths, container_log_links};
  out.runtime_handler = [this](rt::Context ctx, std::string name) { return deps.cluster.runtime_handler(std::move(ctx), std::move(name)); };
  out.node_ips = [this] { return deps.options.node_ips; };
  out.node = [this] { return node_config(); };
  return out;
}

// What the handler of the pod's RuntimeClass can do, as the runtime says now.
rt::Task<Result<container_config::HandlerFeatures>> NodeRuntime::features_for(rt::Context ctx, PodPtr pod) {
  CO_TRY_ASSIGN(const std::string handler, co_await deps.cluster.runtime_handler(ctx, pod->spec.runtime_class_name.value_or("")));
  CO_TRY_ASSIGN(const auto status, co_await deps.cri.status(ctx, false));
  co_return container_config::handler_features(status, handler);
}

container_config::NodeConfig NodeRuntime::node_config() const {
  const auto& configuration = deps.options.configuration;
  const auto& machine = deps.facts.machine;
  container_config::NodeConfig out;
  out.node_name = deps.options.node_name;
  out.node_ips = deps.options.node_ips;
  out.allocatable = deps.facts.allocatable;
  out.memory_capacity_bytes = static_cast<int64_t>(machine.memory_bytes);
  out.hugepage_sizes_bytes = machine.hugepage_sizes_bytes;
  out.paths = deps.paths;
  out.cluster_domain = configuration.cluster_domain;
  out.cluster_dns = configuration.cluster_dns;
  const std::string resolv_conf = configuration.resolv_conf.value_or("/etc/resolv.conf");
  out.has_resolv_conf = !resolv_conf.empty();
  if (out.has_resolv_conf) out.resolv_conf = deps.runtime.disk().read(resolv_conf).value_or("");
  out.hosts_file = deps.runtime.disk().read("/etc/hosts").value_or("");
  out.cpu_cfs_quota = configuration.cpu_cfs_quota.value_or(true);
  out.cpu_cfs_period_us = cgroups::cpu_cfs_period_us(configuration).value_or(out.cpu_cfs_period_us);  // make_node_cgroups() has refused a wrong one
  out.seccomp_default = configuration.seccomp_default.value_or(false);
  out.cgroup_v2 = cgroups.v2;
  out.single_process_oom_kill = configuration.single_process_oom_kill.value_or(!cgroups.v2);
  out.swap_controller = cgroups.limits_swap;
  out.limited_swap = configuration.memory_swap.swap_behavior == "LimitedSwap";
  out.swap_capacity_bytes = static_cast<int64_t>(machine.swap_bytes);
  out.more_masked_paths = deps.facts.masked_paths;
  return out;
}

rt::Task<void> NodeRuntime::tell_pod_cidr(rt::Context ctx, std::string pod_cidr) {
  const auto told = co_await deps.cri.update_runtime_config(std::move(ctx), std::move(pod_cidr));
  if (!told) log::info(2, "The runtime did not take the pod CIDR", {{"err", told.error().message}});
}

rt::Task<void> NodeRuntime::stop() {
  co_await volume_usages.stop();
  co_await volumes->stop();
  co_await hooks.close();
}

}  // namespace pintle::kubelet

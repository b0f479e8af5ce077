#include "kubelet/container_config/configurator.h"

#include <sys/stat.h>

#include <algorithm>
#include <cerrno>

#include "codec/json_text.h"
#include "kubelet/container_config/container_files.h"
#include "kubelet/container_config/environment.h"
#include "kubelet/container_config/hostname.h"
#include "kubelet/container_config/mounts.h"
#include "os/path.h"
#include "os/read_file.h"
#include "os/system_error.h"

namespace pintle::kubelet::container_config {

namespace core = api::core_v1;
namespace cri_v1 = api::cri_v1;

namespace {

// Of a file with variables: each variable reads it.
constexpr std::size_t environment_file_bytes_max = 1 << 20;

using Services = std::vector<std::shared_ptr<const core::Service>>;

Unexpected<Status> no_server(std::string_view kind, const std::string& namespace_name, const std::string& name) {
  return error(Reason::ServiceUnavailable, "couldn't get " + std::string(kind) + " " + namespace_name + "/" + name + ", no kubeClient defined");
}

Result<std::string> volume_file(const volumes::MountedVolumes& volumes, std::string_view volume, std::string_view path) {
  for (const volumes::MountedVolume& mounted : volumes) {
    if (mounted.name != volume || mounted.host_path.empty() || mounted.block) continue;
    // What a container wrote: a FIFO in its place would hold this thread for ever.
    TRY_ASSIGN(const os::UniqueFd file, os::open_regular_through_links_below(mounted.host_path, path));
    struct stat info {};
    if (::fstat(file.get(), &info) != 0) return os::system_error(errno, path);
    if (static_cast<uint64_t>(info.st_size) > environment_file_bytes_max)
      return error(Reason::RequestEntityTooLarge, std::string(path) + ": larger than " + std::to_string(environment_file_bytes_max) + " bytes");
    return os::read_file(os::fd_path(file.get()));
  }
  return error(Reason::NotFound, "cannot find the volume " + codec::go_quote(volume) + " referenced by FileKeyRef");
}

}  // namespace

Configurator::Configurator(ConfiguratorDeps deps) : deps_(std::move(deps)) {}

rt::Task<Result<Configurator::NodeForPod>> Configurator::node_for(rt::Context ctx, PodPtr pod) {
  NodeForPod out{deps_.node(), std::nullopt};
  if (!deps_.handler_features || !wants_handler_features(*pod)) co_return std::move(out);
  CO_TRY_ASSIGN(const HandlerFeatures features, co_await deps_.handler_features(std::move(ctx), pod));
  out.config.recursive_read_only = features.recursive_read_only;
  out.config.user_namespaces = features.user_namespaces && deps_.user_namespaces != nullptr;
  if (!out.config.user_namespaces || pod->spec.host_users.value_or(true)) co_return std::move(out);
  Result<UserNamespaceRange> range = error(Reason::InternalError, "");
  co_await deps_.runtime.run_blocking([&] { range = deps_.user_namespaces->range_of(pod->metadata.uid); });
  if (!range) co_return Unexpected(std::move(range).error());
  out.user_namespace = *range;
  co_return std::move(out);
}

rt::Task<Result<cri_v1::PodSandboxConfig>> Configurator::sandbox_config(rt::Context ctx, PodPtr pod, uint32_t attempt) {
  CO_TRY_ASSIGN(const NodeForPod of_pod, co_await node_for(std::move(ctx), pod));
  const NodeConfig& node = of_pod.config;
  SandboxInputs inputs{*pod, node, attempt, deps_.cgroup_parent ? deps_.cgroup_parent(*pod) : std::string(), of_pod.user_namespace};
  auto made = make_sandbox_config(inputs);
  if (!made) co_return Unexpected(std::move(made).error());
  if (deps_.warn)
    for (const ConfigWarning& warning : made->warnings) deps_.warn(*pod, warning.reason, warning.message);
  Result<Unit> directories = Unit{};
  co_await deps_.runtime.run_blocking([&] { directories = make_pod_directories(node.paths, *pod); });
  if (!directories) co_return Unexpected(std::move(directories).error());
  co_return std::move(made->config);
}

rt::Task<Result<cri_v1::ContainerConfig>> Configurator::container_config(rt::Context ctx, ContainerRequest request) {
  const core::Pod& pod = *request.pod;
  CO_TRY_ASSIGN(const NodeForPod of_pod, co_await node_for(ctx, request.pod));
  const NodeConfig& node = of_pod.config;
  const std::optional<core::Container> container = find_container(pod.spec, request.container);
  if (!container) co_return error(Reason::NotFound, "container " + request.container + " is not in the pod");
  CO_TRY_ASSIGN(EnvironmentVariables variables, co_await environment(ctx, pod, *container, node, request.pod_ips));

  devices::ContainerDevices from_plugins;
  if (deps_.devices) {
    CO_TRY_ASSIGN(from_plugins, co_await deps_.devices(ctx, request.pod, request.container));
  }
  static const volumes::MountedVolumes no_volumes;
  const volumes::MountedVolumes* volumes = deps_.volumes.mounted(pod.metadata.uid);
  CO_TRY_ASSIGN(auto mounts, plan_mounts(*container, volumes ? *volumes : no_volumes, variables, request.image_volumes, node));
  CO_TRY_ASSIGN(auto devices, plan_devices(*container, volumes ? *volumes : no_volumes));
  std::vector<int64_t> groups = volume_groups(pod, volumes ? *volumes : no_volumes);
  CO_TRY_ASSIGN(const PodHostname hostname, pod_hostname(pod, node.cluster_domain));
  const bool mount_hosts = mounts_hosts_file(pod, *container, request.pod_ips);
  std::string hosts;
  if (mount_hosts)
    hosts =
        pod.spec.host_network ? node_hosts(node.hosts_file, pod.spec.host_aliases) : managed_hosts(request.pod_ips, hostname, pod.spec.host_aliases);
  ContainerFiles files{node.paths, pod, *container, std::move(mounts), mount_hosts, std::move(hosts), deps_.runtime.random().next_u64()};
  Result<MadeFiles> made = error(Reason::InternalError, "not made");
  co_await deps_.runtime.run_blocking([&] { made = make_container_files(std::move(files)); });
  if (!made) co_return Unexpected(std::move(made).error());

  ContainerInputs inputs{pod, *container, node};
  inputs.attempt = request.attempt;
  inputs.image_ref = std::move(request.image_ref);
  inputs.image_uid = request.image_uid;
  inputs.image_username = std::move(request.image_username);
  inputs.environment = std::move(variables);
  inputs.mounts = std::move(made->mounts);
  inputs.devices = std::move(devices);
  inputs.from_plugins = std::move(from_plugins);
  if (deps_.memory_nodes) inputs.memory_nodes = deps_.memory_nodes(pod, request.container);
  if (deps_.cpus) inputs.cpus = deps_.cpus(pod.metadata.uid, request.container);
  inputs.volume_groups = std::move(groups);
  inputs.termination_log = std::move(made->termination_log);
  inputs.target_container_id = std::move(request.target_container_id);
  inputs.user_namespace = of_pod.user_namespace;
  co_return make_container_config(inputs);
}

rt::Task<Result<EnvironmentVariables>> Configurator::environment(rt::Context ctx, const core::Pod& pod, const core::Container& container,
                                                                 const NodeConfig& node, const std::vector<std::string>& pod_ips) {
  downward::PodAddresses addresses;
  addresses.host_ips = node.node_ips;
  addresses.pod_ips = pod_ips;
  EnvironmentInputs inputs{pod, container, std::move(addresses), node.allocatable, {}, {}, nullptr, {}};
  std::optional<Services> services = deps_.services ? deps_.services() : std::optional<Services>(Services());
  if (!services && !is_static_pod(pod))
    co_return error(Reason::ServiceUnavailable, "services have not yet been read at least once, cannot construct envvars");
  if (services) inputs.services = std::move(*services);

  const referenced_objects::ObjectNames names = environment_names(container);
  const std::string& namespace_name = pod.metadata.namespace_;
  for (const std::string& name : names.config_maps) {
    Result<referenced_objects::ConfigMapPtr> object = no_server("configMap", namespace_name, name);
    if (deps_.objects) object = co_await deps_.objects->config_map(ctx, namespace_name, name);
    inputs.config_maps.emplace(name, std::move(object));
  }
  for (const std::string& name : names.secrets) {
    Result<referenced_objects::SecretPtr> object = no_server("secret", namespace_name, name);
    if (deps_.objects) object = co_await deps_.objects->secret(ctx, namespace_name, name);
    inputs.secrets.emplace(name, std::move(object));
  }
  // A copy: files are read on another thread.
  const volumes::MountedVolumes* mounted = deps_.volumes.mounted(pod.metadata.uid);
  inputs.volume_file = [volumes = mounted ? *mounted : volumes::MountedVolumes()](std::string_view volume, std::string_view path) {
    return volume_file(volumes, volume, path);
  };
  Result<EnvironmentVariables> out = error(Reason::InternalError, "not made");
  const bool reads_files =
      std::ranges::any_of(container.env, [](const core::EnvVar& variable) { return variable.value_from && variable.value_from->file_key_ref; });
  if (reads_files)
    co_await deps_.runtime.run_blocking([&] { out = make_environment(inputs); });
  else
    out = make_environment(inputs);
  co_return std::move(out);
}

}  // namespace pintle::kubelet::container_config

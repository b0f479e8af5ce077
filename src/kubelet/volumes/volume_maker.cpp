#include "kubelet/volumes/volume_maker.h"

#include "kubelet/volumes/host_path.h"
#include "kubelet/volumes/volume_files.h"
#include "kubelet/volumes/volume_kinds.h"
#include "rules/pod_claims.h"

namespace pintle::kubelet::volumes {

namespace core = api::core_v1;

namespace {

constexpr uint32_t default_file_mode = 0644;
constexpr uint32_t private_token_mode = 0600;

uint32_t mode_or_default(const std::optional<int32_t>& mode) { return mode ? static_cast<uint32_t>(*mode) : default_file_mode; }

MountedVolume at(const VolumeSpec& spec, std::string path, bool read_only) {
  MountedVolume out;
  out.name = spec.entry->name;
  out.host_path = std::move(path);
  out.read_only = read_only;
  return out;
}

Unexpected<Status> no_server() { return error(Reason::ServiceUnavailable, "no API server is configured, and the volume needs one"); }

// Runs blocking work that gives a Result.
template <class T>
rt::Task<Result<T>> blocking(rt::Runtime& runtime, std::function<Result<T>()> work) {
  Result<T> out = error(Reason::InternalError, "not run");
  co_await runtime.run_blocking([&] { out = work(); });
  co_return std::move(out);
}

// As upstream tells which step of which volume failed.
Unexpected<Status> step_error(std::string_view step, const VolumeSpec& spec, Status why) {
  why.message = std::string(step) + " failed for volume \"" + spec.name() + "\" : " + why.message;
  return Unexpected(std::move(why));
}

Status unsupported(const VolumeSpec& spec) {
  std::string message;
  if (!spec.persistent)
    message = "volumes " + std::string(source_name(*spec.entry)) + " are not supported by this kubelet yet";
  else if (spec.persistent->spec.csi)
    message = "driver name " + spec.persistent->spec.csi->driver + " not found in the list of registered CSI drivers";
  else
    message = "persistent volumes of this type are not supported by this kubelet yet";
  return {Reason::Invalid, 0, std::move(message), {}};
}

// Several errors as Go's aggregate prints them.
Status aggregate(std::vector<Status> errors) {
  if (errors.size() == 1) return std::move(errors.front());
  Status out = errors.front();
  out.message = "[";
  for (std::size_t i = 0; i < errors.size(); ++i) out.message += (i == 0 ? "" : ", ") + errors[i].message;
  out.message += "]";
  return out;
}

}  // namespace

rt::Task<Result<VolumeSpec>> VolumeMaker::resolve(rt::Context ctx, PodPtr pod, const core::Volume& entry) {
  if (kind_of(entry) != VolumeKind::Claim) co_return volumes::resolve(pod, entry);
  if (!deps_.client) co_return no_server();
  auto claim = co_await deps_.client->get<core::PersistentVolumeClaim>(ctx, pod->metadata.namespace_, rules::claim_name(*pod, entry));
  if (!claim) {
    Status why = std::move(claim).error();
    why.message = "failed to fetch PVC from API server: " + why.message;
    co_return claim_error(*pod, entry, std::move(why));
  }
  CO_TRY_ASSIGN(const std::string name, volume_of_claim(*pod, entry, *claim));
  auto persistent = co_await deps_.client->get<core::PersistentVolume>(ctx, std::string(), name);
  if (!persistent) {
    Status why = std::move(persistent).error();
    why.message = "failed to fetch PV " + name + " from API server: " + why.message;
    co_return claim_error(*pod, entry, std::move(why));
  }
  co_return resolve_claim(pod, entry, *claim, std::make_shared<const core::PersistentVolume>(std::move(*persistent)));
}

rt::Task<Result<MountedVolume>> VolumeMaker::make(rt::Context ctx, PodPtr pod, VolumeSpec spec, PodTokens* tokens) {
  if (spec.block)
    co_return step_error("MapVolume.SetUpDevice", spec, {Reason::Invalid, 0, "raw block volumes are not supported by this kubelet yet", {}});
  if (!spec.mount_options.empty() && spec.kind == VolumeKind::HostPath)
    co_return step_error("MountVolume.MountOptionSupport check", spec,
                         {Reason::Invalid, 0, "mount options are not supported for this volume type", {}});
  auto made = co_await make_kind(std::move(ctx), *pod, spec, tokens);
  if (!made) co_return step_error("MountVolume.SetUp", spec, std::move(made).error());
  co_return made;
}

rt::Task<Result<MountedVolume>> VolumeMaker::make_kind(rt::Context ctx, const core::Pod& pod, const VolumeSpec& spec, PodTokens* tokens) {
  switch (spec.kind) {
    case VolumeKind::EmptyDir: co_return co_await make_empty_dir_volume(pod, spec);
    case VolumeKind::HostPath: co_return co_await make_host_path_volume(spec);
    case VolumeKind::Local: co_return co_await make_local_persistent_volume(std::move(ctx), pod, spec);
    case VolumeKind::Image: {
      MountedVolume out = at(spec, {}, true);
      out.image = true;
      co_return std::move(out);
    }
    case VolumeKind::Claim:
    case VolumeKind::Unsupported: co_return Unexpected(unsupported(spec));
    default: co_return co_await make_projecting_volume(std::move(ctx), pod, spec, tokens);
  }
}

rt::Task<Result<MountedVolume>> VolumeMaker::make_empty_dir_volume(const core::Pod& pod, const VolumeSpec& spec) {
  const std::string_view plugin = plugin_directory(spec.kind);
  const core::EmptyDirVolumeSource& source = *spec.entry->empty_dir;
  EmptyDirPlan plan;
  plan.directory = deps_.paths.volume(pod.metadata.uid, plugin, spec.name());
  plan.notes = deps_.paths.volume_notes(pod.metadata.uid, plugin, spec.name());
  plan.medium = source.medium;
  if (plan.medium == "Memory") plan.size_bytes = memory_volume_bytes(pod, source.size_limit, allocatable());
  plan.fs_group = spec.fs_group;
  std::function<Result<Unit>()> work = [&plan] { return make_empty_dir(plan); };
  CO_TRY(co_await blocking<Unit>(deps_.runtime, std::move(work)));
  co_return at(spec, std::move(plan.directory), false);
}

rt::Task<Result<MountedVolume>> VolumeMaker::make_host_path_volume(const VolumeSpec& spec) {
  const std::string path = spec.host_path().path;
  const std::string type = spec.host_path().type.value_or("");
  std::function<Result<HostPath>()> work = [&] { return check_host_path(path, type); };
  CO_TRY_ASSIGN(const HostPath checked, co_await blocking<HostPath>(deps_.runtime, std::move(work)));
  MountedVolume out = at(spec, path, spec.read_only);
  out.is_file = checked.is_file;
  co_return std::move(out);
}

rt::Task<Result<MountedVolume>> VolumeMaker::make_local_persistent_volume(rt::Context ctx, const core::Pod& pod, const VolumeSpec& spec) {
  LocalVolumePlan plan;
  plan.source = spec.persistent->spec.local->path;
  plan.directory = deps_.paths.volume(pod.metadata.uid, plugin_directory(spec.kind), spec.name());
  std::vector<std::string> options = spec.mount_options;
  if (spec.read_only) options.emplace_back("ro");
  CO_TRY_ASSIGN(plan.options, bind_options(options));
  plan.fs_group = spec.fs_group;
  plan.on_root_mismatch = spec.owned_on_root_mismatch;
  std::function<Result<Unit>()> work = [&plan] { return make_local_volume(plan); };
  const bool owns = plan.fs_group && !plan.options.read_only();
  if (owns) CO_TRY(co_await owning_.send(ctx, Unit{}));
  const auto made = co_await blocking<Unit>(deps_.runtime, std::move(work));
  if (owns) (void)owning_.try_receive();
  if (!made) co_return Unexpected(made.error());
  co_return at(spec, std::move(plan.directory), plan.options.read_only());
}

rt::Task<Result<MountedVolume>> VolumeMaker::make_projecting_volume(rt::Context ctx, const core::Pod& pod, const VolumeSpec& spec,
                                                                    PodTokens* tokens) {
  CO_TRY_ASSIGN(const Payload payload, co_await gather(std::move(ctx), pod, *spec.entry, tokens));
  PayloadPlan plan;
  plan.directory = deps_.paths.volume(pod.metadata.uid, plugin_directory(spec.kind), spec.name());
  plan.notes = deps_.paths.volume_notes(pod.metadata.uid, plugin_directory(VolumeKind::EmptyDir), "wrapped_" + spec.name());
  plan.memory = spec.kind != VolumeKind::ConfigMap;
  if (plan.memory) plan.size_bytes = memory_volume_bytes(pod, std::nullopt, allocatable());
  plan.fs_group = spec.fs_group;
  plan.now = deps_.runtime.clock().wall_now();
  plan.random = deps_.runtime.random().next_u64();
  std::function<Result<bool>()> work = [&plan, &payload] { return make_payload_volume(plan, payload); };
  CO_TRY(co_await blocking<bool>(deps_.runtime, std::move(work)));
  co_return at(spec, std::move(plan.directory), true);
}

rt::Task<Result<Payload>> VolumeMaker::gather(rt::Context ctx, const core::Pod& pod, const core::Volume& volume, PodTokens* tokens) {
  if (volume.config_map) {
    const core::ConfigMapVolumeSource& source = *volume.config_map;
    co_return co_await config_map(std::move(ctx), pod.metadata.namespace_, source.name, source.items, mode_or_default(source.default_mode),
                                  source.optional.value_or(false));
  }
  if (volume.secret) {
    const core::SecretVolumeSource& source = *volume.secret;
    co_return co_await secret(std::move(ctx), pod.metadata.namespace_, source.secret_name, source.items, mode_or_default(source.default_mode),
                              source.optional.value_or(false));
  }
  if (volume.downward_api)
    co_return downward_payload(volume.downward_api->items, pod, allocatable(), mode_or_default(volume.downward_api->default_mode));
  co_return co_await gather_projected(std::move(ctx), pod, *volume.projected, tokens);
}

rt::Task<Result<Payload>> VolumeMaker::gather_projected(rt::Context ctx, const core::Pod& pod, const core::ProjectedVolumeSource& source,
                                                        PodTokens* tokens) {
  Payload out;
  std::vector<Status> errors;
  for (const core::VolumeProjection& part : source.sources) {
    auto files = co_await gather_source(ctx, pod, part, mode_or_default(source.default_mode), tokens);
    if (!files) {
      errors.push_back(std::move(files).error());
      continue;
    }
    for (auto& [path, file] : *files) out[path] = std::move(file);
  }
  if (!errors.empty()) co_return Unexpected(aggregate(std::move(errors)));
  co_return std::move(out);
}

rt::Task<Result<Payload>> VolumeMaker::gather_source(rt::Context ctx, const core::Pod& pod, const core::VolumeProjection& source, uint32_t mode,
                                                     PodTokens* tokens) {
  if (source.secret)
    co_return co_await secret(std::move(ctx), pod.metadata.namespace_, source.secret->name, source.secret->items, mode,
                              source.secret->optional.value_or(false));
  if (source.config_map)
    co_return co_await config_map(std::move(ctx), pod.metadata.namespace_, source.config_map->name, source.config_map->items, mode,
                                  source.config_map->optional.value_or(false));
  if (source.downward_api) co_return downward_payload(source.downward_api->items, pod, allocatable(), mode);
  if (source.service_account_token) {
    if (!tokens) co_return no_server();
    PayloadFile file;
    CO_TRY_ASSIGN(file.data, co_await tokens->get(std::move(ctx), pod, *source.service_account_token));
    file.uid = common_user(pod);
    file.mode = file.uid || fs_group(pod) ? private_token_mode : mode;
    Payload out;
    out[source.service_account_token->path] = std::move(file);
    co_return std::move(out);
  }
  if (source.cluster_trust_bundle) {
    if (source.cluster_trust_bundle->optional.value_or(false)) co_return Payload{{source.cluster_trust_bundle->path, PayloadFile{}}};
    co_return error(Reason::Invalid, "projected ClusterTrustBundles are not supported by this kubelet yet");
  }
  co_return error(Reason::Invalid, "this source of a projected volume is not supported by this kubelet yet");
}

rt::Task<Result<Payload>> VolumeMaker::config_map(rt::Context ctx, std::string namespace_name, std::string name, std::vector<core::KeyToPath> items,
                                                  uint32_t mode, bool optional) {
  if (!deps_.objects) co_return no_server();
  auto object = co_await deps_.objects->config_map(std::move(ctx), std::move(namespace_name), std::move(name));
  if (!object && object.error().reason == Reason::NotFound && optional) co_return Payload();
  if (!object) co_return Unexpected(std::move(object).error());
  co_return config_map_payload(items, **object, mode, optional);
}

rt::Task<Result<Payload>> VolumeMaker::secret(rt::Context ctx, std::string namespace_name, std::string name, std::vector<core::KeyToPath> items,
                                              uint32_t mode, bool optional) {
  if (!deps_.objects) co_return no_server();
  auto object = co_await deps_.objects->secret(std::move(ctx), std::move(namespace_name), std::move(name));
  if (!object && object.error().reason == Reason::NotFound && optional) co_return Payload();
  if (!object) co_return Unexpected(std::move(object).error());
  co_return secret_payload(items, **object, mode, optional);
}

}  // namespace pintle::kubelet::volumes

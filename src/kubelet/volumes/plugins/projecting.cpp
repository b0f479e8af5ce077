#include "kubelet/volumes/plugins/projecting.h"

#include "kubelet/volumes/payload.h"
#include "kubelet/volumes/plugins/blocking.h"
#include "kubelet/volumes/volume_files.h"

namespace pintle::kubelet::volumes::plugins {

namespace core = api::core_v1;

namespace {

constexpr uint32_t default_file_mode = 0644;
constexpr uint32_t private_token_mode = 0600;

uint32_t mode_or_default(const std::optional<int32_t>& mode) { return mode ? static_cast<uint32_t>(*mode) : default_file_mode; }

Unexpected<Status> no_server() { return error(Reason::ServiceUnavailable, "no API server is configured, and the volume needs one"); }

// Several errors as Go's aggregate prints them.
Status aggregate(std::vector<Status> errors) {
  if (errors.size() == 1) return std::move(errors.front());
  Status out = errors.front();
  out.message = "[";
  for (std::size_t i = 0; i < errors.size(); ++i) out.message += (i == 0 ? "" : ", ") + errors[i].message;
  out.message += "]";
  return out;
}

class Projecting final : public VolumePlugin {
 public:
  Projecting(ProjectingDeps deps, VolumeKind kind, std::string_view name) : deps_(std::move(deps)), kind_(kind), name_(name) {}
  std::string_view name() const override { return name_; }
  bool supports(const VolumeSpec& spec) const override { return spec.kind == kind_; }
  rt::Task<Published> publish(rt::Context ctx, PodVolume volume) override;
  rt::Task<Result<Space>> space(rt::Context, VolumeSpec, MountedVolume mounted) const override {
    return space_of_tree(deps_.runtime, std::move(mounted.host_path));
  }

 private:
  rt::Task<Result<Payload>> gather(rt::Context ctx, const core::Pod& pod, const core::Volume& volume, PodTokens* tokens);
  rt::Task<Result<Payload>> gather_projected(rt::Context ctx, const core::Pod& pod, const core::ProjectedVolumeSource& source, PodTokens* tokens);
  rt::Task<Result<Payload>> gather_source(rt::Context ctx, const core::Pod& pod, const core::VolumeProjection& source, uint32_t mode,
                                          PodTokens* tokens);
  rt::Task<Result<Payload>> config_map(rt::Context ctx, std::string namespace_name, std::string name, std::vector<core::KeyToPath> items,
                                       uint32_t mode, bool optional);
  rt::Task<Result<Payload>> secret(rt::Context ctx, std::string namespace_name, std::string name, std::vector<core::KeyToPath> items, uint32_t mode,
                                   bool optional);
  FlatMap<api::Quantity> allocatable() const { return deps_.node_allocatable(); }

  const ProjectingDeps deps_;
  const VolumeKind kind_;
  const std::string_view name_;
};

rt::Task<Published> Projecting::publish(rt::Context ctx, PodVolume volume) {
  const core::Pod& pod = *volume.pod;
  const VolumeSpec& spec = volume.spec;
  const auto payload = co_await gather(std::move(ctx), pod, *spec.entry, volume.tokens);
  if (!payload) co_return set_up_failed(payload.error());
  PayloadPlan plan;
  plan.directory = deps_.paths.volume(pod.metadata.uid, plugin_directory(spec.kind), spec.name());
  plan.notes = deps_.paths.volume_notes(pod.metadata.uid, plugin_directory(VolumeKind::EmptyDir), "wrapped_" + spec.name());
  plan.memory = spec.kind != VolumeKind::ConfigMap;
  if (plan.memory) plan.size_bytes = memory_volume_bytes(pod, std::nullopt, allocatable());
  plan.fs_group = spec.fs_group;
  plan.now = deps_.runtime.clock().wall_now();
  plan.random = deps_.runtime.random().next_u64();
  std::function<Result<bool>()> work = [&] { return make_payload_volume(plan, *payload); };
  auto made = co_await blocking<bool>(deps_.runtime, std::move(work));
  if (!made) co_return set_up_failed(std::move(made).error());
  co_return published(at(spec, std::move(plan.directory), true));
}

rt::Task<Result<Payload>> Projecting::gather(rt::Context ctx, const core::Pod& pod, const core::Volume& volume, PodTokens* tokens) {
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

rt::Task<Result<Payload>> Projecting::gather_projected(rt::Context ctx, const core::Pod& pod, const core::ProjectedVolumeSource& source,
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

rt::Task<Result<Payload>> Projecting::gather_source(rt::Context ctx, const core::Pod& pod, const core::VolumeProjection& source, uint32_t mode,
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

rt::Task<Result<Payload>> Projecting::config_map(rt::Context ctx, std::string namespace_name, std::string name, std::vector<core::KeyToPath> items,
                                                 uint32_t mode, bool optional) {
  if (!deps_.objects) co_return no_server();
  auto object = co_await deps_.objects->config_map(std::move(ctx), std::move(namespace_name), std::move(name));
  if (!object && object.error().reason == Reason::NotFound && optional) co_return Payload();
  if (!object) co_return Unexpected(std::move(object).error());
  co_return config_map_payload(items, **object, mode, optional);
}

rt::Task<Result<Payload>> Projecting::secret(rt::Context ctx, std::string namespace_name, std::string name, std::vector<core::KeyToPath> items,
                                             uint32_t mode, bool optional) {
  if (!deps_.objects) co_return no_server();
  auto object = co_await deps_.objects->secret(std::move(ctx), std::move(namespace_name), std::move(name));
  if (!object && object.error().reason == Reason::NotFound && optional) co_return Payload();
  if (!object) co_return Unexpected(std::move(object).error());
  co_return secret_payload(items, **object, mode, optional);
}

}  // namespace

std::vector<VolumePluginPtr> make_projecting_plugins(ProjectingDeps deps) {
  return {std::make_shared<Projecting>(deps, VolumeKind::ConfigMap, "kubernetes.io/configmap"),
          std::make_shared<Projecting>(deps, VolumeKind::Secret, "kubernetes.io/secret"),
          std::make_shared<Projecting>(deps, VolumeKind::DownwardApi, "kubernetes.io/downward-api"),
          std::make_shared<Projecting>(deps, VolumeKind::Projected, "kubernetes.io/projected")};
}

}  // namespace pintle::kubelet::volumes::plugins

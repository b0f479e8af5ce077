#include "kubelet/volumes/plugins/pod_local.h"

#include "kubelet/volumes/host_path.h"
#include "kubelet/volumes/plugins/blocking.h"
#include "kubelet/volumes/volume_files.h"

namespace pintle::kubelet::volumes::plugins {

namespace {

class EmptyDir final : public VolumePlugin {
 public:
  explicit EmptyDir(EmptyDirDeps deps) : deps_(std::move(deps)) {}
  std::string_view name() const override { return "kubernetes.io/empty-dir"; }
  bool supports(const VolumeSpec& spec) const override { return spec.kind == VolumeKind::EmptyDir; }

  rt::Task<Published> publish(rt::Context, PodVolume volume) override {
    const VolumeSpec& spec = volume.spec;
    const std::string& uid = volume.pod->metadata.uid;
    const std::string_view plugin = plugin_directory(spec.kind);
    const api::core_v1::EmptyDirVolumeSource& source = *spec.entry->empty_dir;
    EmptyDirPlan plan;
    plan.directory = deps_.paths.volume(uid, plugin, spec.name());
    plan.notes = deps_.paths.volume_notes(uid, plugin, spec.name());
    plan.medium = source.medium;
    if (plan.medium == "Memory") plan.size_bytes = memory_volume_bytes(*volume.pod, source.size_limit, deps_.node_allocatable());
    plan.fs_group = spec.fs_group;
    std::function<Result<Unit>()> work = [&plan] { return make_empty_dir(plan); };
    auto made = co_await blocking<Unit>(deps_.runtime, std::move(work));
    if (!made) co_return set_up_failed(std::move(made).error());
    co_return published(at(spec, std::move(plan.directory), false));
  }
  rt::Task<Result<Space>> space(rt::Context, VolumeSpec, MountedVolume mounted) const override {
    return space_of_tree(deps_.runtime, std::move(mounted.host_path));
  }

 private:
  const EmptyDirDeps deps_;
};

class OfHostPath final : public VolumePlugin {
 public:
  explicit OfHostPath(rt::Runtime& runtime) : runtime_(runtime) {}
  std::string_view name() const override { return "kubernetes.io/host-path"; }
  bool supports(const VolumeSpec& spec) const override { return spec.kind == VolumeKind::HostPath; }

  rt::Task<Published> publish(rt::Context, PodVolume volume) override {
    const std::string path = volume.spec.host_path().path;
    const std::string type = volume.spec.host_path().type.value_or("");
    std::function<Result<HostPath>()> work = [&] { return check_host_path(path, type); };
    auto checked = co_await blocking<HostPath>(runtime_, std::move(work));
    if (!checked) co_return set_up_failed(std::move(checked).error());
    MountedVolume out = at(volume.spec, path, volume.spec.read_only);
    out.is_file = checked->is_file;
    co_return published(std::move(out));
  }

 private:
  rt::Runtime& runtime_;
};

class OfImage final : public VolumePlugin {
 public:
  std::string_view name() const override { return "kubernetes.io/image"; }
  bool supports(const VolumeSpec& spec) const override { return spec.kind == VolumeKind::Image; }
  rt::Task<Published> publish(rt::Context, PodVolume volume) override {
    MountedVolume out = at(volume.spec, {}, true);
    out.image = true;
    co_return published(std::move(out));
  }
};

}  // namespace

VolumePluginPtr make_empty_dir_plugin(EmptyDirDeps deps) { return std::make_shared<EmptyDir>(std::move(deps)); }
VolumePluginPtr make_host_path_plugin(rt::Runtime& runtime) { return std::make_shared<OfHostPath>(runtime); }
VolumePluginPtr make_image_plugin() { return std::make_shared<OfImage>(); }

}  // namespace pintle::kubelet::volumes::plugins

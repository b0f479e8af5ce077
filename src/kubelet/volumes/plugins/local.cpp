#include "kubelet/volumes/plugins/local.h"

#include <algorithm>

#include "kubelet/volumes/ownership.h"
#include "kubelet/volumes/plugins/blocking.h"
#include "kubelet/volumes/plugins/device_map.h"
#include "kubelet/volumes/plugins/disk_format.h"
#include "kubelet/volumes/plugins/mount_points.h"
#include "kubelet/volumes/volume_files.h"
#include "os/path.h"

namespace pintle::kubelet::volumes::plugins {

namespace {

using Device = std::optional<os::BlockDevice>;

constexpr std::string_view plugin_name = "kubernetes.io/local-volume";
constexpr std::string_view default_fs_type = "ext4";
constexpr std::string_view new_mounter = "MountVolume.NewMounter initialization";
constexpr std::string_view mount_device = "MountVolume.MountDevice";
constexpr std::string_view new_mapper = "MapVolume.NewBlockVolumeMapper initialization";
constexpr std::string_view map_block_volume = "MapVolume.MapBlockVolume";
constexpr rt::Duration umount_limit = std::chrono::minutes(3);
constexpr uint32_t stage_mode = 0750;

// Makes the directory of the stage. True: the device is mounted there already.
Result<bool> prepare_stage(const std::string& directory, const os::BlockDevice& device) {
  TRY(os::make_directories(directory, stage_mode));
  TRY_ASSIGN(const std::string there, mounted_device(directory));
  if (there.empty()) return false;
  if (there == os::device_numbers(device)) return true;
  return error(Reason::Conflict, "another device is mounted at " + directory);
}

class Local final : public VolumePlugin {
 public:
  explicit Local(LocalDeps deps) : deps_(std::move(deps)) {}
  std::string_view name() const override { return plugin_name; }
  bool supports(const VolumeSpec& spec) const override { return spec.kind == VolumeKind::Local; }
  bool takes_mount_options() const override { return true; }
  bool maps_devices() const override { return true; }
  std::optional<VolumeTraits> traits(const VolumeSpec& spec) const override {
    VolumeTraits out;
    out.staged = !spec.block;
    out.one_pod = is_of_one_pod(spec);
    return out;
  }
  std::string source(const VolumeSpec& spec) const override { return spec.persistent->spec.local->path; }

  rt::Task<StepEnd> stage(rt::Context ctx, VolumeSpec spec, std::string) override {
    auto device = co_await device_of(spec);
    if (!device) co_return nothing_done(new_mounter, std::move(device).error());
    if (!*device) co_return step_done();  // a directory: pods mount it as it is
    DiskMount mount;
    mount.device = **device;
    mount.directory = staged_at(spec.name());
    mount.fs_type = spec.persistent->spec.local->fs_type.value_or(std::string(default_fs_type));
    mount.options = spec.mount_options;
    mount.may_format = !spec.read_only && std::ranges::find(mount.options, "ro") == mount.options.end();
    std::function<Result<bool>()> prepare = [&mount] { return prepare_stage(mount.directory, mount.device); };
    const auto there = co_await blocking<bool>(deps_.runtime, std::move(prepare));
    if (!there) co_return step_failed(mount_device, there.error());
    if (*there) co_return step_done();
    Result<Unit> made = co_await format_and_mount(deps_.runtime, std::move(ctx), std::move(mount));
    if (made) co_return step_done();
    Status why = std::move(made).error();
    why.message = "local: " + why.message;
    co_return step_failed(mount_device, std::move(why));
  }

  rt::Task<Published> publish(rt::Context ctx, PodVolume volume) override {
    const bool block = volume.spec.block;
    auto device = co_await device_of(volume.spec);
    if (!device) co_return not_published(nothing_done(block ? new_mapper : new_mounter, std::move(device).error()));
    if (block) co_return co_await map(std::move(volume), **device);
    const VolumeSpec& spec = volume.spec;
    LocalVolumePlan plan;
    plan.source = *device ? staged_at(spec.name()) : spec.persistent->spec.local->path;
    plan.directory = deps_.paths.volume(volume.pod->metadata.uid, plugin_directory(spec.kind), spec.name());
    // The options of a device are those of its one mount.
    std::vector<std::string> options = *device ? std::vector<std::string>() : spec.mount_options;
    if (spec.read_only || std::ranges::find(spec.mount_options, "ro") != spec.mount_options.end()) options.emplace_back("ro");
    auto parsed = bind_options(options);
    if (!parsed) co_return not_published(nothing_done(set_up, std::move(parsed).error()));
    plan.options = *parsed;
    plan.fs_group = spec.fs_group;
    plan.on_root_mismatch = spec.owned_on_root_mismatch;
    std::function<Result<Unit>()> work = [&plan] { return make_local_volume(plan); };
    const bool owns = plan.fs_group && !plan.options.read_only();
    Result<Unit> made = Unit{};
    if (owns)
      made = co_await deps_.owner->run(std::move(ctx), std::move(work));
    else
      made = co_await blocking<Unit>(deps_.runtime, std::move(work));
    if (!made) co_return set_up_failed(std::move(made).error());
    co_return published(at(spec, std::move(plan.directory), plan.options.read_only()));
  }

  rt::Task<Result<Space>> space(rt::Context, VolumeSpec, MountedVolume mounted) const override {
    if (mounted.block) co_return Space();
    std::function<Result<VolumeSpace>()> work = [&] { return file_system_space(mounted.host_path); };
    CO_TRY_ASSIGN(VolumeSpace found, co_await blocking<VolumeSpace>(deps_.runtime, std::move(work)));
    co_return Space(found);
  }

  rt::Task<StepEnd> unpublish(rt::Context, VolumeOnDisk volume, std::string pod_uid) override {
    const std::string directory = deps_.paths.volume(pod_uid, escaped_plugin_name(plugin_name), volume.name);
    const DeviceMap map = device_map(deps_.paths, escaped_plugin_name(plugin_name), volume.name, pod_uid);
    std::function<Result<Unit>()> work = [&] { return volume.block ? unmap_device(map) : undo_mount(directory); };
    auto undone = co_await blocking<Unit>(deps_.runtime, std::move(work));
    if (!undone) co_return step_failed("UnmountVolume.TearDown", std::move(undone).error());
    co_return step_done();
  }

  // By the machine's program: a device that does not answer holds no thread of ours.
  rt::Task<StepEnd> unstage(rt::Context ctx, VolumeOnDisk volume) override {
    const std::string directory = staged_at(volume.name);
    auto undone = co_await unmount_by_program(deps_.runtime, std::move(ctx), directory, std::string(), umount_limit);
    if (!undone) co_return step_failed("UnmountDevice", std::move(undone).error());
    co_return step_done();
  }

  std::optional<VolumeOnDisk> published_before(std::string_view, std::string_view name, bool block) const override {
    return VolumeOnDisk{std::string(plugin_name) + "/" + std::string(name), std::string(name), block};
  }
  std::vector<VolumeOnDisk> staged_before() const override {
    std::vector<VolumeOnDisk> out;
    if (const auto names = list_names(deps_.paths.plugin_mounts(plugin_name)))
      for (const std::string& name : *names) out.push_back({std::string(plugin_name) + "/" + name, name, false});
    return out;
  }
  VolumeTraits traits_before(const VolumeOnDisk& volume) const override {
    VolumeTraits out;
    out.staged = !volume.block;
    return out;
  }

 private:
  std::string staged_at(const std::string& name) const { return deps_.paths.plugin_mounts(plugin_name) + "/" + name; }

  // nullopt: a directory.
  rt::Task<Result<Device>> device_of(VolumeSpec spec) {
    const std::string path = spec.persistent->spec.local->path;
    const bool block = spec.block;
    std::function<Result<Device>()> work = [path, block]() -> Result<Device> {
      auto device = os::block_device_at(path);
      if (!device && device.error().reason == Reason::NotFound) return error(Reason::NotFound, "path \"" + path + "\" does not exist");
      if (!device || *device) return device;
      if (block) return error(Reason::Invalid, "path \"" + path + "\" is no block device");
      return device;  // what is no directory either cannot be mounted
    };
    co_return co_await blocking<Device>(deps_.runtime, std::move(work));
  }

  rt::Task<Published> map(PodVolume volume, os::BlockDevice device) {
    const DeviceMap map = device_map(deps_.paths, escaped_plugin_name(plugin_name), volume.spec.name(), volume.pod->metadata.uid);
    std::function<Result<std::string>()> work = [&] { return map_device(map, device); };
    auto link = co_await blocking<std::string>(deps_.runtime, std::move(work));
    if (!link) co_return not_published(step_failed(map_block_volume, std::move(link).error()));
    MountedVolume out = at(volume.spec, std::move(*link), volume.spec.read_only);
    out.block = true;
    co_return published(std::move(out));
  }

  const LocalDeps deps_;
};

}  // namespace

VolumePluginPtr make_local_plugin(LocalDeps deps) { return std::make_shared<Local>(std::move(deps)); }

}  // namespace pintle::kubelet::volumes::plugins

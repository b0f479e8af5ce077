#include "kubelet/volumes/plugins/local.h"

#include "kubelet/volumes/plugins/blocking.h"
#include "kubelet/volumes/volume_files.h"
#include "rt/sync.h"

namespace pintle::kubelet::volumes::plugins {

namespace {

class Local final : public VolumePlugin {
 public:
  explicit Local(LocalDeps deps) : deps_(std::move(deps)) {}
  std::string_view name() const override { return "kubernetes.io/local-volume"; }
  bool supports(const VolumeSpec& spec) const override { return spec.kind == VolumeKind::Local; }
  bool takes_mount_options() const override { return true; }

  rt::Task<Published> publish(rt::Context ctx, PodVolume volume) override {
    const VolumeSpec& spec = volume.spec;
    LocalVolumePlan plan;
    plan.source = spec.persistent->spec.local->path;
    plan.directory = deps_.paths.volume(volume.pod->metadata.uid, plugin_directory(spec.kind), spec.name());
    std::vector<std::string> options = spec.mount_options;
    if (spec.read_only) options.emplace_back("ro");
    auto parsed = bind_options(options);
    if (!parsed) co_return not_published(nothing_done(set_up, std::move(parsed).error()));
    plan.options = *parsed;
    plan.fs_group = spec.fs_group;
    plan.on_root_mismatch = spec.owned_on_root_mismatch;
    std::function<Result<Unit>()> work = [&plan] { return make_local_volume(plan); };
    const bool owns = plan.fs_group && !plan.options.read_only();
    if (owns) {
      const auto entered = co_await owning_.send(ctx, Unit{});
      if (!entered) co_return not_published(nothing_done(set_up, entered.error()));
    }
    auto made = co_await blocking<Unit>(deps_.runtime, std::move(work));
    if (owns) (void)owning_.try_receive();
    if (!made) co_return set_up_failed(std::move(made).error());
    co_return published(at(spec, std::move(plan.directory), plan.options.read_only()));
  }

 private:
  const LocalDeps deps_;
  rt::Channel<Unit> owning_{owned_at_once_max};  // a place for each
};

}  // namespace

VolumePluginPtr make_local_plugin(LocalDeps deps) { return std::make_shared<Local>(std::move(deps)); }

}  // namespace pintle::kubelet::volumes::plugins

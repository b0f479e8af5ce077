#include "kubelet/volumes/volume_plugin.h"

#include <algorithm>

#include "base/check.h"

namespace pintle::kubelet::volumes {

StepEnd step_done() { return {}; }
StepEnd nothing_done(std::string_view part, Status why) { return {Outcome::NothingDone, std::move(why), part}; }
StepEnd step_failed(std::string_view part, Status why) { return {Outcome::Unknown, std::move(why), part}; }
Published published(MountedVolume volume) { return {step_done(), std::move(volume)}; }
Published not_published(StepEnd end) { return {std::move(end), {}}; }

std::optional<VolumeTraits> VolumePlugin::traits(const VolumeSpec&) const { return std::nullopt; }
std::optional<rt::Duration> VolumePlugin::looked_at_every(const VolumeSpec&) const { return std::nullopt; }
bool VolumePlugin::wants_renewal(const VolumeSpec&) const { return false; }

rt::Task<Result<std::optional<VolumeSpace>>> VolumePlugin::space(rt::Context, VolumeSpec, MountedVolume) const {
  co_return std::optional<VolumeSpace>();
}

std::string VolumePlugin::unique_name(const VolumeSpec& spec, std::string_view) const { return std::string(name()) + "/" + spec.name(); }

std::string VolumePlugin::source(const VolumeSpec&) const { return {}; }

rt::Task<StepEnd> VolumePlugin::stage(rt::Context, VolumeSpec, std::string) {
  CHECK(false, "asked of plugins whose volumes are staged");
  co_return step_done();
}
rt::Task<StepEnd> VolumePlugin::unpublish(rt::Context, VolumeOnDisk, std::string) {
  CHECK(false, "asked of plugins with traits");
  co_return step_done();
}
rt::Task<StepEnd> VolumePlugin::unstage(rt::Context, VolumeOnDisk) {
  CHECK(false, "asked of plugins whose volumes are staged");
  co_return step_done();
}

std::optional<VolumeOnDisk> VolumePlugin::published_before(std::string_view, std::string_view, bool) const { return std::nullopt; }
std::vector<VolumeOnDisk> VolumePlugin::staged_before() const { return {}; }
VolumeTraits VolumePlugin::traits_before(const VolumeOnDisk&) const { return {}; }

VolumePluginPtr VolumePlugins::find(const VolumeSpec& spec) const {
  const auto it = std::ranges::find_if(plugins_, [&](const VolumePluginPtr& plugin) { return plugin->supports(spec); });
  return it == plugins_.end() ? nullptr : *it;
}

std::string escaped_plugin_name(std::string_view name) {
  std::string out(name);
  std::ranges::replace(out, '/', '~');
  return out;
}

Status step_error(std::string_view part, const VolumeSpec& spec, Status why) {
  why.message = std::string(part) + " failed for volume \"" + spec.name() + "\" : " + why.message;
  return why;
}

}  // namespace pintle::kubelet::volumes

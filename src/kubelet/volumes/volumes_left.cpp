#include "kubelet/volumes/volumes_left.h"

#include "kubelet/volumes/ownership.h"

namespace pintle::kubelet::volumes {

namespace {

std::vector<std::string> names_in(const std::string& directory) {
  auto names = list_names(directory);
  return names ? std::move(*names) : std::vector<std::string>();
}

}  // namespace

std::vector<LeftVolume> volumes_left(const Paths& paths, const VolumePlugins& plugins) {
  std::vector<LeftVolume> out;
  for (const VolumePluginPtr& plugin : plugins.all())
    for (VolumeOnDisk& volume : plugin->staged_before()) out.push_back({plugin, std::move(volume), true, std::nullopt});
  for (const std::string& uid : names_in(paths.pods())) {
    for (const VolumePluginPtr& plugin : plugins.all()) {
      const std::string directory = escaped_plugin_name(plugin->name());
      for (const bool block : {false, true}) {
        for (const std::string& name : names_in((block ? paths.volume_devices(uid) : paths.volumes(uid)) + "/" + directory))
          if (auto volume = plugin->published_before(uid, name, block)) out.push_back({plugin, std::move(*volume), false, uid});
      }
    }
  }
  return out;
}

}  // namespace pintle::kubelet::volumes

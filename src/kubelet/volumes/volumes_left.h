// What an earlier process left mounted, found again by the directories: those of pods, and those of plugins. Blocks.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "kubelet/types/paths.h"
#include "kubelet/volumes/volume_plugin.h"

namespace pintle::kubelet::volumes {

struct LeftVolume {
  VolumePluginPtr plugin;
  VolumeOnDisk on_disk;
  bool staged = false;                 // of the node, else
  std::optional<std::string> pod_uid;  // published to this pod
};
// Nothing that is mounted is looked into: what it lies on may not answer.
std::vector<LeftVolume> volumes_left(const Paths& paths, const VolumePlugins& plugins);

}  // namespace pintle::kubelet::volumes

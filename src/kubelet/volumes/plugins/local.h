// Local PersistentVolumes: a directory of this node, or a block device with a file system that is mounted once for the pods of the node;
// with volumeMode Block the device itself.
#pragma once

#include "kubelet/types/paths.h"
#include "kubelet/volumes/volume_plugin.h"
#include "rt/runtime.h"

namespace pintle::kubelet::volumes::plugins {

// Volumes with files of earlier pods that are given to an fsGroup at once: each takes as long as it has files, and one of the few threads
// for blocking work.
constexpr std::size_t owned_at_once_max = 2;

struct LocalDeps {
  rt::Runtime& runtime;
  Paths paths;
};
VolumePluginPtr make_local_plugin(LocalDeps deps);

}  // namespace pintle::kubelet::volumes::plugins

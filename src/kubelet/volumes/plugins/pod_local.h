// Volumes that lie in their pod's directory, or are none of ours: emptyDir, hostPath and image.
#pragma once

#include <functional>

#include "kubelet/types/paths.h"
#include "kubelet/volumes/volume_plugin.h"
#include "rt/runtime.h"

namespace pintle::kubelet::volumes::plugins {

struct EmptyDirDeps {
  rt::Runtime& runtime;
  Paths paths;
  // Of the node; memory volumes are bounded by it. Asked at each use.
  std::function<FlatMap<api::Quantity>()> node_allocatable;
};
VolumePluginPtr make_empty_dir_plugin(EmptyDirDeps deps);
// Inline and as a PersistentVolume.
VolumePluginPtr make_host_path_plugin(rt::Runtime& runtime);
// The runtime mounts it: nothing on this side.
VolumePluginPtr make_image_plugin();

}  // namespace pintle::kubelet::volumes::plugins

// Local PersistentVolumes: a directory of this node, or a block device with a file system that is mounted once for the pods of the node;
// with volumeMode Block the device itself.
#pragma once

#include <memory>

#include "kubelet/types/paths.h"
#include "kubelet/volumes/plugins/group_owner.h"
#include "kubelet/volumes/volume_plugin.h"
#include "rt/runtime.h"

namespace pintle::kubelet::volumes::plugins {

struct LocalDeps {
  rt::Runtime& runtime;
  Paths paths;
  std::shared_ptr<GroupOwner> owner;
};
VolumePluginPtr make_local_plugin(LocalDeps deps);

}  // namespace pintle::kubelet::volumes::plugins

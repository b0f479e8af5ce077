// A block device for a pod's containers: a bind mount of its node in the plugin's directory and a link in the pod's, as upstream has them,
// so that either kubelet undoes the other's. Blocks.
#pragma once

#include <string>

#include "base/status.h"
#include "kubelet/types/paths.h"
#include "os/block_device.h"

namespace pintle::kubelet::volumes::plugins {

struct DeviceMap {
  std::string plugin;  // "kubernetes.io~local-volume"
  std::string name;    // of the PersistentVolume
  std::string pod_uid;
};
// The link, for the container. The link comes first and goes last: where it is not, nothing is left. Conflict: another device is mapped.
Result<std::string> map_device(const Paths& paths, const DeviceMap& map, const os::BlockDevice& device);
// Also the loop device by which upstream keeps the device open. Success if nothing is there.
Result<Unit> unmap_device(const Paths& paths, const DeviceMap& map);

}  // namespace pintle::kubelet::volumes::plugins

// A block device for a pod's containers: a bind mount of its node in the plugin's directory and a link in the pod's, as upstream has them,
// so that either kubelet undoes the other's. Blocks.
#pragma once

#include <string>
#include <string_view>

#include "base/status.h"
#include "kubelet/types/paths.h"
#include "os/block_device.h"

namespace pintle::kubelet::volumes::plugins {

struct DeviceMap {
  std::string link;  // for the pod's containers
  std::string maps;  // the directory of the volume's bind mounts, one for each pod
  std::string pod_uid;
};
// Of a plugin whose places are as Paths has them. `plugin`: "kubernetes.io~local-volume".
DeviceMap device_map(const Paths& paths, std::string_view plugin, std::string_view name, std::string_view pod_uid);
// The link. It comes first and goes last: where it is not, nothing is left. Conflict: another device is mapped.
Result<std::string> map_device(const DeviceMap& map, const os::BlockDevice& device);
// Also the loop device by which upstream keeps the device open. Success if nothing is there.
Result<Unit> unmap_device(const DeviceMap& map);
// All but the link.
Result<Unit> unmap_node(const DeviceMap& map);

}  // namespace pintle::kubelet::volumes::plugins

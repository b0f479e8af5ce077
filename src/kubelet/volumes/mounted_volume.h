// MountedVolume: a volume of a pod that is ready for containers.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace pintle::kubelet::volumes {

struct MountedVolume {
  std::string name;             // of pod.spec.volumes
  std::string host_path;        // what a container mounts, or the device that it maps; "" for an image volume
  bool read_only = false;       // whatever the mount says (configMap, secret, projected, downwardAPI)
  bool image = false;           // the runtime mounts an image: nothing on this side
  bool is_file = false;         // a hostPath that is no directory
  bool block = false;           // a device: volumeDevices map it, volumeMounts do not
  std::optional<uint32_t> gid;  // that containers are members of, as the PersistentVolume says (pv.beta.kubernetes.io/gid)
};
using MountedVolumes = std::vector<MountedVolume>;

}  // namespace pintle::kubelet::volumes

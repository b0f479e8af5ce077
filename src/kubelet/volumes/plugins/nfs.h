// NFS volumes, inline and as PersistentVolumes: mounted into the pod's directory by the machine's mount.nfs. Nothing that is mounted is
// looked into: its server may not answer.
#pragma once

#include <string>
#include <vector>

#include "kubelet/types/paths.h"
#include "kubelet/volumes/volume_plugin.h"
#include "rt/runtime.h"

namespace pintle::kubelet::volumes::plugins {

struct NfsDeps {
  rt::Runtime& runtime;
  Paths paths;
};
VolumePluginPtr make_nfs_plugin(NfsDeps deps);

// For mount.nfs. Invalid: a server that is no name or address; a pod may name it, and it would be read as something else. Pure.
Result<std::vector<std::string>> mount_nfs_arguments(const VolumeSpec& spec, const std::string& directory);

}  // namespace pintle::kubelet::volumes::plugins

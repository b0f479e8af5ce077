// Which plugin makes a volume, and where: upstream's names. Pure.
#pragma once

#include <string>
#include <string_view>

#include "api/gen/core_v1.h"
#include "kubelet/types/paths.h"

namespace pintle::kubelet::volumes {

enum class VolumeKind { EmptyDir, HostPath, ConfigMap, Secret, DownwardApi, Projected, Claim, Local, Nfs, Csi, Image, Unsupported };

// Of what stands in the pod; a claim is resolved to the kind of its PersistentVolume (volume_spec.h).
VolumeKind kind_of(const api::core_v1::Volume& volume);
// "kubernetes.io~empty-dir"; "" for those without a directory of their own.
std::string_view plugin_directory(VolumeKind kind);
// Whether its files follow objects of the API, or the pod itself.
inline bool follows_api(VolumeKind kind) {
  return kind == VolumeKind::ConfigMap || kind == VolumeKind::Secret || kind == VolumeKind::DownwardApi || kind == VolumeKind::Projected;
}

}  // namespace pintle::kubelet::volumes

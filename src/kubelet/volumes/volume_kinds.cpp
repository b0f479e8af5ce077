#include "kubelet/volumes/volume_kinds.h"

namespace pintle::kubelet::volumes {

namespace core = api::core_v1;

VolumeKind kind_of(const core::Volume& volume) {
  if (volume.empty_dir) return VolumeKind::EmptyDir;
  if (volume.host_path) return VolumeKind::HostPath;
  if (volume.config_map) return VolumeKind::ConfigMap;
  if (volume.secret) return VolumeKind::Secret;
  if (volume.downward_api) return VolumeKind::DownwardApi;
  if (volume.projected) return VolumeKind::Projected;
  if (volume.persistent_volume_claim || volume.ephemeral) return VolumeKind::Claim;
  if (volume.nfs) return VolumeKind::Nfs;
  if (volume.csi) return VolumeKind::Csi;
  if (volume.image) return VolumeKind::Image;
  return VolumeKind::Unsupported;
}

std::string_view plugin_directory(VolumeKind kind) {
  switch (kind) {
    case VolumeKind::EmptyDir: return "kubernetes.io~empty-dir";
    case VolumeKind::ConfigMap: return "kubernetes.io~configmap";
    case VolumeKind::Secret: return "kubernetes.io~secret";
    case VolumeKind::DownwardApi: return "kubernetes.io~downward-api";
    case VolumeKind::Projected: return "kubernetes.io~projected";
    case VolumeKind::Local: return "kubernetes.io~local-volume";
    case VolumeKind::Nfs: return "kubernetes.io~nfs";
    case VolumeKind::Csi: return "kubernetes.io~csi";
    default: return "";
  }
}

}  // namespace pintle::kubelet::volumes

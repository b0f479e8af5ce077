// VolumeMaker: says what a volume of a pod is, and makes it or brings it up to date. Gathers what the volume projects, then does the
// file work on the blocking pool. Belongs to one executor.
#pragma once

#include <memory>

#include "kubelet/tokens/pod_tokens.h"
#include "kubelet/types/pod.h"
#include "kubelet/volumes/payload.h"
#include "kubelet/volumes/volume_manager.h"
#include "kubelet/volumes/volume_spec.h"
#include "rt/sync.h"

namespace pintle::kubelet::volumes {

using tokens::PodTokens;

// Volumes with files of earlier pods that are given to an fsGroup at once: each takes as long as it has files, and one of the few threads
// for blocking work.
constexpr std::size_t owned_at_once_max = 2;

class VolumeMaker {
 public:
  explicit VolumeMaker(VolumeManagerDeps deps) : deps_(std::move(deps)) {}

  // `entry`: of the pod. Error: it is not known what is to be mounted, or the pod may not have it ("failed to process").
  rt::Task<Result<VolumeSpec>> resolve(rt::Context ctx, PodPtr pod, const api::core_v1::Volume& entry);
  // `tokens`: the pod's; null without an API server. Error: what the event says (`MountVolume.SetUp failed for volume "a" : ...`).
  rt::Task<Result<MountedVolume>> make(rt::Context ctx, PodPtr pod, VolumeSpec spec, PodTokens* tokens);
  const VolumeManagerDeps& deps() const { return deps_; }

 private:
  rt::Task<Result<MountedVolume>> make_kind(rt::Context ctx, const api::core_v1::Pod& pod, const VolumeSpec& spec, PodTokens* tokens);
  rt::Task<Result<MountedVolume>> make_empty_dir_volume(const api::core_v1::Pod& pod, const VolumeSpec& spec);
  rt::Task<Result<MountedVolume>> make_host_path_volume(const VolumeSpec& spec);
  rt::Task<Result<MountedVolume>> make_local_persistent_volume(rt::Context ctx, const api::core_v1::Pod& pod, const VolumeSpec& spec);
  rt::Task<Result<MountedVolume>> make_projecting_volume(rt::Context ctx, const api::core_v1::Pod& pod, const VolumeSpec& spec, PodTokens* tokens);

  rt::Task<Result<Payload>> gather(rt::Context ctx, const api::core_v1::Pod& pod, const api::core_v1::Volume& volume, PodTokens* tokens);
  rt::Task<Result<Payload>> gather_projected(rt::Context ctx, const api::core_v1::Pod& pod, const api::core_v1::ProjectedVolumeSource& source,
                                             PodTokens* tokens);
  rt::Task<Result<Payload>> gather_source(rt::Context ctx, const api::core_v1::Pod& pod, const api::core_v1::VolumeProjection& source, uint32_t mode,
                                          PodTokens* tokens);
  rt::Task<Result<Payload>> config_map(rt::Context ctx, std::string namespace_name, std::string name, std::vector<api::core_v1::KeyToPath> items,
                                       uint32_t mode, bool optional);
  rt::Task<Result<Payload>> secret(rt::Context ctx, std::string namespace_name, std::string name, std::vector<api::core_v1::KeyToPath> items,
                                   uint32_t mode, bool optional);
  FlatMap<api::Quantity> allocatable() const { return deps_.node_allocatable ? deps_.node_allocatable() : FlatMap<api::Quantity>(); }

  VolumeManagerDeps deps_;
  rt::Channel<Unit> owning_{owned_at_once_max};  // a place for each
};

}  // namespace pintle::kubelet::volumes

// VolumeSpec: what is to be mounted for a volume of a pod, of the pod's entry and, for a claim, of the claim and its PersistentVolume.
// What a pod may have is decided here, and refused with upstream's messages. Pure.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "api/gen/core_v1.h"
#include "base/status.h"
#include "kubelet/types/pod.h"
#include "kubelet/volumes/volume_kinds.h"

namespace pintle::kubelet::volumes {

using PersistentVolumePtr = std::shared_ptr<const api::core_v1::PersistentVolume>;

struct VolumeSpec {
  std::shared_ptr<const api::core_v1::Volume> entry;                 // of pod.spec.volumes
  PersistentVolumePtr persistent;                                    // has the source if the entry is a claim
  std::shared_ptr<const api::core_v1::PersistentVolumeClaim> claim;  // of `persistent`
  VolumeKind kind = VolumeKind::Unsupported;                         // of the source
  bool block = false;                                                // a device, not a file system
  bool read_only = false;                                            // the pod wants its claim so
  std::vector<std::string> mount_options;                            // sorted, each once
  std::optional<uint32_t> fs_group;
  bool owned_on_root_mismatch = false;  // fsGroupChangePolicy

  // What messages and directories call it: the PersistentVolume, or the entry.
  const std::string& name() const { return persistent ? persistent->metadata.name : entry->name; }
  // Of VolumeKind::HostPath.
  const api::core_v1::HostPathVolumeSource& host_path() const { return persistent ? *persistent->spec.host_path : *entry->host_path; }
};

// ReadWriteOncePod, and no other mode: it is not known which one a pod means.
bool is_of_one_pod(const VolumeSpec& spec);
// The group that its PersistentVolume gives to containers (pv.beta.kubernetes.io/gid).
std::optional<uint32_t> volume_gid(const VolumeSpec& spec);
// Error: the PersistentVolume cannot be had from a node of these labels.
Result<Unit> check_node_affinity(const VolumeSpec& spec, const FlatMap<std::string>& node_labels);

std::optional<uint32_t> fs_group(const api::core_v1::Pod& pod);
// The volumes that a container of the pod mounts or maps. Nothing is made for the others, so nothing of theirs is waited for.
std::set<std::string_view> used_volumes(const api::core_v1::PodSpec& spec);

// Of an entry of the pod that is no claim.
VolumeSpec resolve(const PodPtr& pod, const api::core_v1::Volume& entry);
// The PersistentVolume of a claim. Error: the pod may not have the claim, or not yet.
Result<std::string> volume_of_claim(const api::core_v1::Pod& pod, const api::core_v1::Volume& entry,
                                    const api::core_v1::PersistentVolumeClaim& claim);
// Of an entry whose claim volume_of_claim() let pass, with the volume that it named.
Result<VolumeSpec> resolve_claim(const PodPtr& pod, const api::core_v1::Volume& entry, const api::core_v1::PersistentVolumeClaim& claim,
                                 PersistentVolumePtr persistent);
// "error processing PVC shop/data: ..."
Unexpected<Status> claim_error(const api::core_v1::Pod& pod, const api::core_v1::Volume& entry, Status why);

}  // namespace pintle::kubelet::volumes

#include "scheduler/plugins/volumes/claims.h"

#include <algorithm>

namespace pintle::scheduler::plugins {

std::vector<ClaimUse> claims_of(const Pod& pod) {
  std::vector<ClaimUse> out;
  for (const auto& volume : pod.spec.volumes) {
    if (volume.persistent_volume_claim)
      out.push_back({volume.persistent_volume_claim->claim_name, false});
    else if (volume.ephemeral)
      out.push_back({pod.metadata.name + "-" + volume.name, true});
  }
  return out;
}

bool is_made_for(const PersistentVolumeClaim& claim, const Pod& pod) {
  return std::ranges::any_of(claim.metadata.owner_references,
                             [&](const auto& owner) { return owner.controller.value_or(false) && owner.uid == pod.metadata.uid; });
}

std::string class_of(const PersistentVolumeClaim& claim) {
  if (const std::string* older = claim.metadata.annotations.get("volume.beta.kubernetes.io/storage-class")) return *older;
  return claim.spec.storage_class_name.value_or("");
}

bool is_bound(const PersistentVolumeClaim& claim) {
  return !claim.spec.volume_name.empty() && claim.metadata.annotations.contains("pv.kubernetes.io/bind-completed");
}

VolumeInformers::VolumeInformers(client::Informers& informers)
    : claims(informers.of<PersistentVolumeClaim>()), volumes(informers.of<PersistentVolume>()), classes(informers.of<StorageClass>()) {}

bool VolumeInformers::waits_for_consumer(const PersistentVolumeClaim& claim) const {
  const auto storage_class = classes.get(class_of(claim));
  return storage_class && storage_class->volume_binding_mode == "WaitForFirstConsumer";
}

}  // namespace pintle::scheduler::plugins

#include "scheduler/plugins/volumes/claims.h"

#include "rules/pod_claims.h"

namespace pintle::scheduler::plugins {

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

#include "controller/volume_binder/plan.h"

#include <algorithm>

#include "apimachinery/selectors/label_selector.h"

namespace pintle::controller::volume_binder {

namespace {

std::string class_of(const PersistentVolume& volume) {
  const std::string* old = volume.metadata.annotations.get("volume.beta.kubernetes.io/storage-class");
  return old ? *old : volume.spec.storage_class_name;
}

api::Quantity storage_of(const FlatMap<api::Quantity>& list) {
  const api::Quantity* size = list.get("storage");
  return size ? *size : api::Quantity();
}

}  // namespace

std::string class_of(const PersistentVolumeClaim& claim) {
  const std::string* old = claim.metadata.annotations.get("volume.beta.kubernetes.io/storage-class");
  return old ? *old : claim.spec.storage_class_name.value_or("");
}

bool is_promised(const PersistentVolume& volume, const PersistentVolumeClaim& claim) {
  const auto* ref = volume.spec.claim_ref.get();
  if (ref == nullptr || ref->name != claim.metadata.name || ref->namespace_ != claim.metadata.namespace_) return false;
  return ref->uid.empty() || ref->uid == claim.metadata.uid;
}

namespace {

// What even a volume that is promised to the claim must have.
bool has_room(const PersistentVolume& volume, const PersistentVolumeClaim& claim) {
  const auto has_mode = [&](const std::string& mode) { return std::ranges::find(volume.spec.access_modes, mode) != volume.spec.access_modes.end(); };
  return volume.spec.volume_mode.value_or("Filesystem") == claim.spec.volume_mode.value_or("Filesystem") &&
         storage_of(volume.spec.capacity).compare(storage_of(claim.spec.resources.requests)) >= 0 &&
         volume.spec.volume_attributes_class_name.value_or("") == claim.spec.volume_attributes_class_name.value_or("") &&
         std::ranges::all_of(claim.spec.access_modes, has_mode);
}

}  // namespace

bool satisfies(const PersistentVolume& volume, const PersistentVolumeClaim& claim) {
  if (!has_room(volume, claim) || class_of(volume) != class_of(claim)) return false;
  if (!claim.spec.selector) return true;
  const auto selector = apimachinery::to_label_selector(claim.spec.selector.get());
  return selector && selector->matches(volume.metadata.labels);
}

VolumePtr choose_volume(const PersistentVolumeClaim& claim, const std::vector<VolumePtr>& volumes) {
  VolumePtr best;
  for (const VolumePtr& volume : volumes) {
    if (volume->metadata.deletion_timestamp) continue;
    if (is_promised(*volume, claim) && has_room(*volume, claim)) return volume;
    if (volume->spec.claim_ref || volume->status.phase != "Available" || !satisfies(*volume, claim)) continue;
    if (best == nullptr || storage_of(volume->spec.capacity).compare(storage_of(best->spec.capacity)) < 0) best = volume;
  }
  return best;
}

}  // namespace pintle::controller::volume_binder

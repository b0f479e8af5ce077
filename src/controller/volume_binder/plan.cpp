#include "controller/volume_binder/plan.h"

#include <algorithm>

#include "apimachinery/selectors/label_selector.h"
#include "controller/objects/time.h"

namespace pintle::controller::volume_binder {

namespace {

constexpr std::string_view class_annotation = "volume.beta.kubernetes.io/storage-class";
constexpr std::string_view default_annotations[] = {"storageclass.kubernetes.io/is-default-class",
                                                    "storageclass.beta.kubernetes.io/is-default-class"};

api::Quantity storage_of(const FlatMap<api::Quantity>& list) {
  const api::Quantity* size = list.get("storage");
  return size ? *size : api::Quantity();
}

}  // namespace

std::string class_of(const PersistentVolumeClaim& claim) {
  const std::string* old = claim.metadata.annotations.get(class_annotation);
  return old ? *old : claim.spec.storage_class_name.value_or("");
}

std::string class_of(const PersistentVolume& volume) {
  const std::string* old = volume.metadata.annotations.get(class_annotation);
  return old ? *old : volume.spec.storage_class_name;
}

bool is_free(const PersistentVolume& volume) {
  return !volume.metadata.deletion_timestamp && !volume.spec.claim_ref && volume.status.phase == "Available";
}

std::string plugin_of(const PersistentVolume& volume) {
  if (volume.spec.csi) return "kubernetes.io/csi:" + volume.spec.csi->driver;
  if (volume.spec.host_path) return "kubernetes.io/host-path";
  if (volume.spec.nfs) return "kubernetes.io/nfs";
  if (volume.spec.iscsi) return "kubernetes.io/iscsi";
  if (volume.spec.fc) return "kubernetes.io/fc";
  return "N/A";
}

bool is_promised(const PersistentVolume& volume, const PersistentVolumeClaim& claim) {
  const auto* ref = volume.spec.claim_ref.get();
  if (ref == nullptr || ref->name != claim.metadata.name || ref->namespace_ != claim.metadata.namespace_) return false;
  return ref->uid.empty() || ref->uid == claim.metadata.uid;
}

namespace {

bool is_large_enough(const PersistentVolume& volume, const PersistentVolumeClaim& claim) {
  return storage_of(volume.spec.capacity).compare(storage_of(claim.spec.resources.requests)) >= 0;
}
bool has_mode(const PersistentVolume& volume, const PersistentVolumeClaim& claim) {
  return volume.spec.volume_mode.value_or("Filesystem") == claim.spec.volume_mode.value_or("Filesystem");
}
bool has_attributes(const PersistentVolume& volume, const PersistentVolumeClaim& claim) {
  return volume.spec.volume_attributes_class_name.value_or("") == claim.spec.volume_attributes_class_name.value_or("");
}
bool has_access_modes(const PersistentVolume& volume, const PersistentVolumeClaim& claim) {
  const auto& modes = volume.spec.access_modes;
  return std::ranges::all_of(claim.spec.access_modes, [&](const std::string& mode) { return std::ranges::find(modes, mode) != modes.end(); });
}

// What even a volume that is promised to the claim must have.
bool has_room(const PersistentVolume& volume, const PersistentVolumeClaim& claim) {
  return has_mode(volume, claim) && is_large_enough(volume, claim) && has_attributes(volume, claim) && has_access_modes(volume, claim);
}

}  // namespace

std::string retroactive_class(const PersistentVolumeClaim& claim, const std::vector<ClassPtr>& classes) {
  if (claim.spec.storage_class_name || claim.metadata.annotations.contains(class_annotation)) return "";
  const auto is_default = [](const api::storage_v1::StorageClass& one) {
    return std::ranges::any_of(default_annotations, [&](std::string_view name) {
      const std::string* said = one.metadata.annotations.get(name);
      return said != nullptr && *said == "true";
    });
  };
  ClassPtr best;
  for (const ClassPtr& one : classes) {
    if (!is_default(*one)) continue;
    const auto &mine = one->metadata, &other = (best ? best : one)->metadata;
    const bool newer = objects::before(other.creation_timestamp, mine.creation_timestamp);
    if (best == nullptr || newer || (mine.creation_timestamp == other.creation_timestamp && mine.name < other.name)) best = one;
  }
  return best ? best->metadata.name : "";
}

bool mark_migrated(FlatMap<std::string>& annotations) {
  const std::string* provisioner = annotations.get(provisioned_by_annotation);
  for (const std::string_view name : provisioner_annotations)
    if (provisioner == nullptr) provisioner = annotations.get(name);
  if (provisioner == nullptr) return false;
  const std::string_view driver = driver_of(*provisioner);
  const std::string* said = annotations.get(migrated_to_annotation);
  if (driver == *provisioner) {
    if (said == nullptr || said->empty()) return false;
    annotations.erase(migrated_to_annotation);
    return true;
  }
  if (said != nullptr && *said == driver) return false;
  annotations[migrated_to_annotation] = std::string(driver);
  return true;
}

bool satisfies(const PersistentVolume& volume, const PersistentVolumeClaim& claim) {
  if (!has_room(volume, claim) || class_of(volume) != class_of(claim)) return false;
  if (!claim.spec.selector) return true;
  const auto selector = apimachinery::to_label_selector(claim.spec.selector.get());
  return selector && selector->matches(volume.metadata.labels);
}

std::string mismatch(const PersistentVolume& volume, const PersistentVolumeClaim& claim) {
  if (volume.metadata.deletion_timestamp) return "the volume is marked for deletion \"" + volume.metadata.name + "\"";
  if (!is_large_enough(volume, claim)) return "requested PV is too small";
  if (class_of(volume) != class_of(claim)) return "storageClassName does not match";
  if (!has_attributes(volume, claim)) return "volumeAttributesClassName does not match";
  if (!has_mode(volume, claim)) return "incompatible volumeMode";
  if (!has_access_modes(volume, claim)) return "incompatible accessMode";
  return "";
}

api::core_v1::PersistentVolumeClaimStatus plan_claim_status(const PersistentVolumeClaim& claim, std::string_view phase,
                                                            const PersistentVolume* volume) {
  api::core_v1::PersistentVolumeClaimStatus status = claim.status;
  status.phase = phase;
  if (volume == nullptr) {
    status.access_modes.clear();
    status.capacity.clear();
    status.current_volume_attributes_class_name.reset();
    return status;
  }
  status.access_modes = volume->spec.access_modes;
  if (!status.capacity.contains("storage")) status.capacity = volume->spec.capacity;
  // When it is bound, and never again: afterwards it is the resizer's.
  if (claim.status.phase == "Pending" && phase == "Bound") status.current_volume_attributes_class_name = volume->spec.volume_attributes_class_name;
  return status;
}

VolumePtr choose_volume(const PersistentVolumeClaim& claim, const std::vector<VolumePtr>& promised, const FitIndex& free,
                        const std::function<VolumePtr(const std::string& name)>& volume_named) {
  for (const VolumePtr& volume : promised)
    if (!volume->metadata.deletion_timestamp && is_promised(*volume, claim) && has_room(*volume, claim)) return volume;
  VolumePtr best;
  (void)free.for_claim(fit_of(claim), [&](const std::string& name) {
    VolumePtr volume = volume_named(name);
    if (volume == nullptr || !is_free(*volume) || !satisfies(*volume, claim)) return false;
    best = std::move(volume);
    return true;
  });
  return best;
}

}  // namespace pintle::controller::volume_binder

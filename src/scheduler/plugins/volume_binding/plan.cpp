#include "scheduler/plugins/volume_binding/plan.h"

#include <algorithm>

#include "rules/node_selector.h"

namespace pintle::scheduler::plugins {

namespace {

int64_t capacity_bytes(const PersistentVolume& volume) {
  const auto* storage = volume.spec.capacity.get("storage");
  return storage == nullptr ? 0 : storage->value();
}

bool reserved_for(const PersistentVolume& volume, const PersistentVolumeClaim& claim) {
  const auto* ref = volume.spec.claim_ref.get();
  return ref != nullptr && ref->name == claim.metadata.name && ref->namespace_ == claim.metadata.namespace_ &&
         (ref->uid.empty() || ref->uid == claim.metadata.uid);
}

bool offers_modes(const PersistentVolume& volume, const PersistentVolumeClaim& claim) {
  return std::ranges::all_of(claim.spec.access_modes, [&](const std::string& mode) {
    return std::ranges::find(volume.spec.access_modes, mode) != volume.spec.access_modes.end();
  });
}

bool satisfies(const PersistentVolume& volume, const PersistentVolumeClaim& claim) {
  if (volume.metadata.deletion_timestamp || volume.spec.storage_class_name != class_of(claim)) return false;
  if (volume.spec.volume_mode.value_or("Filesystem") != claim.spec.volume_mode.value_or("Filesystem")) return false;
  if (volume.spec.volume_attributes_class_name.value_or("") != claim.spec.volume_attributes_class_name.value_or("")) return false;
  if (!offers_modes(volume, claim) || capacity_bytes(volume) < requested_bytes(claim)) return false;
  if (!claim.spec.selector) return true;
  const auto selector = apimachinery::to_label_selector(claim.spec.selector.get());
  return selector && selector->matches(volume.metadata.labels);
}

}  // namespace

int64_t requested_bytes(const PersistentVolumeClaim& claim) {
  const auto* storage = claim.spec.resources.requests.get("storage");
  return storage == nullptr ? 0 : storage->value();
}

bool reaches(const PersistentVolume& volume, const Node& node) {
  if (!volume.spec.node_affinity || !volume.spec.node_affinity->required) return true;
  return rules::NodeSelector(*volume.spec.node_affinity->required).matches(node);
}

VolumePtr find_volume(const PersistentVolumeClaim& claim, const Node& node, std::span<const VolumePtr> volumes, const Assumed& assumed) {
  VolumePtr best;
  for (const VolumePtr& volume : volumes) {
    auto taken = assumed.find(volume->metadata.name);
    if (taken != assumed.end() && taken->second != claim.metadata.uid) continue;
    const bool reserved = reserved_for(*volume, claim);
    if (!reserved && (volume->spec.claim_ref || volume->status.phase != "Available")) continue;
    if (!satisfies(*volume, claim) || !reaches(*volume, node)) continue;
    if (reserved) return volume;
    if (!best || capacity_bytes(*volume) < capacity_bytes(*best)) best = volume;
  }
  return best;
}

bool allows(const StorageClass& storage_class, const Node& node) {
  if (storage_class.allowed_topologies.empty()) return true;
  return std::ranges::any_of(storage_class.allowed_topologies, [&](const auto& term) {
    return std::ranges::all_of(term.match_label_expressions, [&](const auto& expression) {
      const std::string* value = node.metadata.labels.get(expression.key);
      return value != nullptr && std::ranges::find(expression.values, *value) != expression.values.end();
    });
  });
}

}  // namespace pintle::scheduler::plugins

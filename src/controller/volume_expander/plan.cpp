#include "controller/volume_expander/plan.h"

#include "rules/migrated_drivers.h"

namespace pintle::controller::volume_expander {

using api::core_v1::PersistentVolume;
using api::core_v1::PersistentVolumeClaim;

namespace {

constexpr std::string_view before_resize_annotation = "volume.alpha.kubernetes.io/pre-resize-capacity";

api::Quantity storage_in(const FlatMap<api::Quantity>& list) {
  const api::Quantity* size = list.get("storage");
  return size != nullptr ? *size : api::Quantity();
}

// The plugin of Kubernetes' own tree that such volumes were, whose work a CSI driver has taken over; "": none.
std::string_view migrated_plugin(const PersistentVolume& volume) {
  const auto& spec = volume.spec;
  if (spec.aws_elastic_block_store) return "kubernetes.io/aws-ebs";
  if (spec.gce_persistent_disk) return "kubernetes.io/gce-pd";
  if (spec.azure_disk) return "kubernetes.io/azure-disk";
  if (spec.azure_file) return "kubernetes.io/azure-file";
  if (spec.cinder) return "kubernetes.io/cinder";
  if (spec.vsphere_volume) return "kubernetes.io/vsphere-volume";
  if (spec.portworx_volume) return "kubernetes.io/portworx-volume";
  return "";
}

}  // namespace

bool wants_more(const PersistentVolumeClaim& claim) {
  return storage_in(claim.spec.resources.requests).compare(storage_in(claim.status.capacity)) > 0;
}

bool is_news(const PersistentVolumeClaim& before, const PersistentVolumeClaim& now) {
  return storage_in(now.spec.resources.requests).compare(storage_in(before.spec.resources.requests)) > 0 ||
         storage_in(now.status.capacity).compare(storage_in(before.status.capacity)) > 0;
}

bool is_bound_to(const PersistentVolume& volume, const PersistentVolumeClaim& claim) {
  const auto& ref = volume.spec.claim_ref;
  return ref && ref->namespace_ == claim.metadata.namespace_ && ref->uid == claim.metadata.uid;
}

std::optional<Plan> plan_expansion(const PersistentVolumeClaim& claim, const PersistentVolume& volume) {
  if (!wants_more(claim) && !volume.metadata.annotations.contains(before_resize_annotation)) return std::nullopt;
  // Upstream's words.
  if (const std::string_view plugin = migrated_plugin(volume); !plugin.empty()) {
    Plan plan;
    plan.message = "CSI migration enabled for " + std::string(plugin) + "; waiting for external resizer to expand the pvc";
    const std::string* said = claim.metadata.annotations.get(resizer_annotation);
    if (said == nullptr || *said != rules::driver_of(plugin)) plan.resizer = rules::driver_of(plugin);
    return plan;
  }
  return Plan{"waiting for an external controller to expand this PVC", ""};
}

}  // namespace pintle::controller::volume_expander

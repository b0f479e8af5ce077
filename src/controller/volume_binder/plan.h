// Claims and volumes: which volume a claim gets. Pure.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "api/gen/core_v1.h"
#include "api/gen/storage_v1.h"
#include "controller/framework/controller.h"
#include "controller/volume_binder/fit_index.h"
#include "rules/migrated_drivers.h"

namespace pintle::controller::volume_binder {

using api::core_v1::PersistentVolume;
using api::core_v1::PersistentVolumeClaim;
using VolumePtr = std::shared_ptr<const PersistentVolume>;
using ClassPtr = std::shared_ptr<const api::storage_v1::StorageClass>;

inline constexpr std::string_view bind_completed_annotation = "pv.kubernetes.io/bind-completed";
inline constexpr std::string_view bound_by_controller_annotation = "pv.kubernetes.io/bound-by-controller";
inline constexpr std::string_view provisioner_annotations[] = {"volume.kubernetes.io/storage-provisioner",
                                                               "volume.beta.kubernetes.io/storage-provisioner"};
inline constexpr std::string_view provisioned_by_annotation = "pv.kubernetes.io/provisioned-by";
inline constexpr std::string_view migrated_to_annotation = "pv.kubernetes.io/migrated-to";
inline constexpr std::string_view in_tree_finalizer = "kubernetes.io/pv-controller";
inline constexpr std::string_view host_path_plugin = "kubernetes.io/host-path";
inline constexpr std::string_view selected_node_annotation = "volume.kubernetes.io/selected-node";

std::string class_of(const PersistentVolumeClaim& claim);  // "": none
std::string class_of(const PersistentVolume& volume);
// Nobody has the volume, and it may be had.
bool is_free(const PersistentVolume& volume);
// Whether the volume is promised to the claim: by name, and by uid where it states one.
bool is_promised(const PersistentVolume& volume, const PersistentVolumeClaim& claim);
// Whether the volume has what the claim asks for.
bool satisfies(const PersistentVolume& volume, const PersistentVolumeClaim& claim);
// Why the volume that a claim names cannot be its; "": it can.
std::string mismatch(const PersistentVolume& volume, const PersistentVolumeClaim& claim);
// Of the volumes whose claimRef names the claim one that is promised to it, else the best of the free ones; nullptr: none.
// `volume_named` says what a volume of the index is by now; nullptr: gone.
VolumePtr choose_volume(const PersistentVolumeClaim& claim, const std::vector<VolumePtr>& promised, const FitIndex& free,
                        const std::function<VolumePtr(const std::string& name)>& volume_named);

// The class that a claim gets which asked for none at all ("" is asking): of the classes that say they are the default one, the newest,
// of equally new ones the first by name; "": none.
std::string retroactive_class(const PersistentVolumeClaim& claim, const std::vector<ClassPtr>& classes);

// What keeps the volume, as metrics name it: "kubernetes.io/csi:DRIVER"; "N/A": a plugin that the manager knows nothing of.
std::string plugin_of(const PersistentVolume& volume);

using rules::driver_of;
// Names the driver that has taken over in pv.kubernetes.io/migrated-to, as the annotations of a claim or a volume name their provisioner.
// True: they changed.
bool mark_migrated(FlatMap<std::string>& annotations);

// The status of the claim of that phase, with its volume (nullptr: none).
api::core_v1::PersistentVolumeClaimStatus plan_claim_status(const PersistentVolumeClaim& claim, std::string_view phase,
                                                            const PersistentVolume* volume);

// What is to be done about a released volume.
struct ReclaimPlan {
  enum class Action : uint8_t {
    None,     // it is kept, or somebody else's
    Fail,     // nobody can: its phase becomes Failed
    Remove,   // its directory on the manager's machine, and then the volume
    Recycle,  // a pod scrubs it, then it is free again
  };
  Action action = Action::None;
  std::string_view reason = {};  // of Fail, and of what fails later: the event's
  std::string message = {};      // of Fail
};
ReclaimPlan plan_reclaim(const PersistentVolume& volume);
// Whether a volume whose claim is bound to another one was made for that claim and goes with it; if not it is free for others.
bool is_superfluous(const PersistentVolume& volume);
// The volume without its claim: what the binder bound is free, what its maker promised by name stays promised.
PersistentVolume unbound(const PersistentVolume& volume);
// Keeps volumes that a plugin of the manager has made until their directories are gone. True: the finalizers changed.
bool mark_deletion_finalizers(PersistentVolume& volume);

// The pod that scrubs the volume of a directory (hostPath) or of NFS. The usual template is upstream's.
api::core_v1::Pod recycler_pod(const PersistentVolume& volume, const RecyclerOptions& options);

// Who makes volumes for claims of a class.
struct ProvisionPlan {
  enum class Maker : uint8_t { Nobody, HostDirectories, External };
  Maker maker = Maker::External;
  std::string message = {};  // of Nobody
};
ProvisionPlan plan_provision(std::string_view provisioner);
// Why no directory is made for the claim, said before anything was tried; "": one is.
std::string provision_fault(const PersistentVolumeClaim& claim, const api::storage_v1::StorageClass& its, bool enabled);
// The volume that a directory of the manager's machine becomes, bound to the claim.
PersistentVolume host_volume(const PersistentVolumeClaim& claim, const api::storage_v1::StorageClass& its, std::string path);

}  // namespace pintle::controller::volume_binder

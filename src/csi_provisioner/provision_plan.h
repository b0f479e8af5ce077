// Which claims are provisioned on a node, what its CSI driver is asked for them, and which PersistentVolume comes of it. Annotations, names and
// finalizers are external-provisioner's. Pure.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "api/gen/core_v1.h"
#include "api/gen/csi_v1.h"
#include "api/gen/storage_v1.h"
#include "base/status.h"

namespace pintle::csi_provisioner {

inline constexpr std::string_view selected_node_annotation = "volume.kubernetes.io/selected-node";
inline constexpr std::string_view provisioned_by_annotation = "pv.kubernetes.io/provisioned-by";
inline constexpr std::string_view volume_finalizer = "external-provisioner.volume.kubernetes.io/finalizer";

// Where volumes are made.
struct Place {
  std::string driver;
  std::string node;
  std::string topology_key;  // its value is the node's name
};

// The driver is to make a volume for the claim, and no volume is bound to it.
bool is_asked_for(const api::core_v1::PersistentVolumeClaim& claim, std::string_view driver);
// Error: no volume can be made for it.
Result<Unit> check_claim(const api::core_v1::PersistentVolumeClaim& claim);
// The node that was chosen for it; nullptr: none yet.
const std::string* chosen_node(const api::core_v1::PersistentVolumeClaim& claim);

// The class's volumes are made before anybody uses them: the node is chosen here, and not by the scheduler.
bool is_immediate(const api::storage_v1::StorageClass& storage_class);
struct Room {
  std::string node;
  int64_t bytes = 0;         // for all volumes to come
  int64_t volume_bytes = 0;  // for one
};
// The node with the most room of those that have enough and that the class's allowedTopologies allow, the first by name of several; "": none.
std::string roomiest_node(const api::core_v1::PersistentVolumeClaim& claim, const api::storage_v1::StorageClass& storage_class,
                          std::string_view topology_key, const std::vector<Room>& rooms);
// A merge patch of the claim that says so, as the scheduler would; with the claim's resource version.
std::string choice_patch(const api::core_v1::PersistentVolumeClaim& claim, const std::string& node);

// "pvc-UID": of the driver's volume and of the PersistentVolume.
std::string volume_name(const api::core_v1::PersistentVolumeClaim& claim);
// `cloned_from`: the driver's id of the volume that the claim's dataSource names; "": there is none.
api::csi_v1::CreateVolumeRequest create_request(const api::core_v1::PersistentVolumeClaim& claim, const api::storage_v1::StorageClass& storage_class,
                                                const Place& place, const std::string& cloned_from);
api::core_v1::PersistentVolume persistent_volume(const api::core_v1::PersistentVolumeClaim& claim, const api::storage_v1::StorageClass& storage_class,
                                                 const api::csi_v1::Volume& made, const Place& place);

// Where the driver's volume was made, by its node affinity and annotation; nullopt: it is none of the driver's.
std::optional<std::string> node_of(const api::core_v1::PersistentVolume& volume, std::string_view driver, std::string_view topology_key);
bool is_of_place(const api::core_v1::PersistentVolume& volume, const Place& place);
// The driver is registered on the node.
bool has_driver(const api::storage_v1::CSINode& node, std::string_view driver);
// Nobody wants it any more, and its policy is Delete.
bool is_to_be_deleted(const api::core_v1::PersistentVolume& volume);

// It has our finalizer, which holds up what the administrator does with it: under another policy than Delete nothing of ours is left to do.
bool is_to_be_let_go(const api::core_v1::PersistentVolume& volume);

// The size that the claim asks for beyond what its volume has; nullopt: nothing more.
std::optional<api::Quantity> wanted_growth(const api::core_v1::PersistentVolumeClaim& claim, const api::core_v1::PersistentVolume& volume);
// Merge patches of the claim's status: while the driver works; when the node has the rest to do. With the claim's resource version.
std::string resizing_patch(const api::core_v1::PersistentVolumeClaim& claim, const api::Quantity& size, const std::string& now);
std::string node_resize_patch(const api::core_v1::PersistentVolumeClaim& claim, const api::Quantity& size, const std::string& now);

// What of the class's volumes this node has room for. "csisc-" and a digest of class and node name it.
api::storage_v1::CSIStorageCapacity storage_capacity(const api::storage_v1::StorageClass& storage_class, const Place& place,
                                                     const api::csi_v1::GetCapacityResponse& answer);
api::csi_v1::GetCapacityRequest capacity_request(const api::storage_v1::StorageClass& storage_class, const Place& place);

}  // namespace pintle::csi_provisioner

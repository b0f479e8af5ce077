// What a CSI driver's being on a node means for its CSINode and its Node, as upstream's kubelet writes it. Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "api/gen/core_v1.h"
#include "api/gen/csi_v1.h"
#include "api/gen/storage_v1.h"
#include "base/status.h"

namespace pintle::kubelet::csi_drivers {

inline constexpr std::string_view node_ids_annotation = "csi.volume.kubernetes.io/nodeid";
inline constexpr std::string_view migrated_annotation = "storage.alpha.kubernetes.io/migrated-plugins";
constexpr std::size_t driver_name_bytes_max = 63;
constexpr std::size_t node_id_bytes_max = 256;  // the interface's
// What a driver may put into the Node: no more labels than are meant in earnest.
constexpr std::size_t topology_keys_max = 64;

struct DriverOnNode {
  std::string name;
  std::string node_id;
  int64_t volumes_max = 0;  // 0: not told
  FlatMap<std::string> topology;
};
// What a driver said; Invalid without a node id, or past the limits above.
Result<DriverOnNode> driver_on_node(std::string name, api::csi_v1::NodeGetInfoResponse info);

// A version of the interface, by its numbers.
using Version = std::vector<uint32_t>;
// The highest of 1.x; an error says what was offered instead.
Result<Version> highest_version(const std::vector<std::string>& offered);
// Whether it may be a driver's name: the API server takes it, and it may be part of a path.
Result<Unit> check_driver_name(std::string_view name);

// --- CSINode: each says whether it changed it --------------------------------------------------------------------------------
api::storage_v1::CSINode new_csi_node(const std::string& node_name, const std::string& node_uid);
bool is_of_node(const api::storage_v1::CSINode& csi_node, std::string_view node_name, std::string_view node_uid);
bool set_migrated(api::storage_v1::CSINode& csi_node);
bool install(api::storage_v1::CSINode& csi_node, const DriverOnNode& driver);
bool uninstall(api::storage_v1::CSINode& csi_node, std::string_view name);

// --- Node: a merge patch of its metadata for exactly this Node; "" when nothing is to be changed -------------------------------
// Invalid when a label of the topology has another value already.
Result<std::string> install_patch(const api::core_v1::Node& node, const DriverOnNode& driver);
std::string uninstall_patch(const api::core_v1::Node& node, std::string_view name);

}  // namespace pintle::kubelet::csi_drivers

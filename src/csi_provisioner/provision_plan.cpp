#include "csi_provisioner/provision_plan.h"

#include <algorithm>

#include "codec/json.h"
#include "component/certificate/keys.h"
#include "csi/access_mode.h"

namespace pintle::csi_provisioner {

namespace core = api::core_v1;
namespace storage = api::storage_v1;
namespace csi_api = api::csi_v1;

namespace {

constexpr std::string_view provisioner_annotations[] = {"volume.kubernetes.io/storage-provisioner", "volume.beta.kubernetes.io/storage-provisioner"};
constexpr std::string_view own_parameters = "csi.storage.k8s.io/";
constexpr std::string_view fs_type_parameter = "csi.storage.k8s.io/fstype";
constexpr std::string_view default_fs_type = "ext4";
constexpr const char* storage_resource = "storage";
constexpr std::size_t capacity_digest_bytes = 10;

// As Go prints sizes: in the largest unit that it is a whole number of.
api::Quantity binary(int64_t bytes) {
  static constexpr std::string_view units[] = {"", "Ki", "Mi", "Gi", "Ti", "Pi", "Ei"};
  std::size_t unit = 0;
  for (; bytes != 0 && bytes % 1024 == 0 && unit + 1 < std::size(units); ++unit) bytes /= 1024;
  const auto parsed = api::Quantity::parse(std::to_string(bytes).append(units[unit]));
  return parsed ? *parsed : api::Quantity::from_int(bytes);
}

bool is_block(const core::PersistentVolumeClaim& claim) { return claim.spec.volume_mode.value_or("Filesystem") == "Block"; }

std::string fs_type(const storage::StorageClass& storage_class) {
  const std::string* said = storage_class.parameters.get(fs_type_parameter);
  return said == nullptr ? std::string(default_fs_type) : *said;
}

FlatMap<std::string> driver_parameters(const storage::StorageClass& storage_class) {
  FlatMap<std::string> out;
  for (const auto& [key, value] : storage_class.parameters)
    if (!key.starts_with(own_parameters)) out[key] = value;
  return out;
}

csi_api::Topology topology(const Place& place) {
  csi_api::Topology out;
  out.segments[place.topology_key] = place.node;
  return out;
}

const api::Quantity* requested(const core::PersistentVolumeClaim& claim) { return claim.spec.resources.requests.get(storage_resource); }

// By its allowedTopologies, as far as they speak of the driver's own key: what another key says is not known here, and does not hold.
bool is_allowed(const storage::StorageClass& storage_class, std::string_view topology_key, const std::string& node) {
  if (storage_class.allowed_topologies.empty()) return true;
  return std::ranges::any_of(storage_class.allowed_topologies, [&](const core::TopologySelectorTerm& term) {
    return std::ranges::all_of(term.match_label_expressions, [&](const core::TopologySelectorLabelRequirement& on) {
      return on.key == topology_key && std::ranges::find(on.values, node) != on.values.end();
    });
  });
}

codec::Value condition(std::string_view type, std::string_view message, const std::string& now) {
  codec::Value out;
  out["type"] = type;
  out["status"] = "True";
  out["lastTransitionTime"] = now;
  if (!message.empty()) out["message"] = message;
  return out;
}

std::string growth_patch(const core::PersistentVolumeClaim& claim, const api::Quantity& size, std::string_view status, codec::Value condition) {
  codec::Value body;
  body["metadata"]["resourceVersion"] = claim.metadata.resource_version;
  codec::Value& said = body["status"];
  said["allocatedResources"][storage_resource] = size.text();
  said["allocatedResourceStatuses"][storage_resource] = status;
  codec::Value::Array conditions;
  conditions.push_back(std::move(condition));
  said["conditions"] = std::move(conditions);
  return codec::to_json(body);
}

}  // namespace

bool is_asked_for(const core::PersistentVolumeClaim& claim, std::string_view driver) {
  if (!claim.spec.volume_name.empty() || claim.metadata.deletion_timestamp) return false;
  return std::ranges::any_of(provisioner_annotations, [&](std::string_view name) {
    const std::string* said = claim.metadata.annotations.get(name);
    return said != nullptr && *said == driver;
  });
}

Result<Unit> check_claim(const core::PersistentVolumeClaim& claim) {
  if (claim.spec.selector) return error(Reason::Invalid, "claim.Spec.Selector is not supported");
  if (claim.spec.data_source && claim.spec.data_source->kind != "PersistentVolumeClaim")
    return error(Reason::Invalid, "dataSource of kind " + claim.spec.data_source->kind + " is not supported");
  if (requested(claim) == nullptr) return error(Reason::Invalid, "no size is asked for");
  return Unit{};
}

const std::string* chosen_node(const core::PersistentVolumeClaim& claim) { return claim.metadata.annotations.get(selected_node_annotation); }

bool is_immediate(const storage::StorageClass& storage_class) { return storage_class.volume_binding_mode.value_or("Immediate") == "Immediate"; }

std::string roomiest_node(const core::PersistentVolumeClaim& claim, const storage::StorageClass& storage_class, std::string_view topology_key,
                          const std::vector<Room>& rooms) {
  const api::Quantity* size = requested(claim);
  const Room* best = nullptr;
  for (const Room& room : rooms) {
    if (size == nullptr || room.bytes < size->value() || room.volume_bytes < size->value()) continue;
    if (!is_allowed(storage_class, topology_key, room.node)) continue;
    if (best == nullptr || room.bytes > best->bytes || (room.bytes == best->bytes && room.node < best->node)) best = &room;
  }
  return best == nullptr ? std::string() : best->node;
}

std::string choice_patch(const core::PersistentVolumeClaim& claim, const std::string& node) {
  codec::Value body;
  body["metadata"]["resourceVersion"] = claim.metadata.resource_version;
  body["metadata"]["annotations"][selected_node_annotation] = node;
  return codec::to_json(body);
}

std::string volume_name(const core::PersistentVolumeClaim& claim) { return "pvc-" + claim.metadata.uid; }

csi_api::CreateVolumeRequest create_request(const core::PersistentVolumeClaim& claim, const storage::StorageClass& storage_class, const Place& place,
                                            const std::string& cloned_from) {
  csi_api::CreateVolumeRequest out;
  out.name = volume_name(claim);
  out.capacity_range.ensure().required_bytes = requested(claim)->value();
  out.parameters = driver_parameters(storage_class);
  for (const std::string& mode : claim.spec.access_modes) {
    csi_api::VolumeCapability& capability = out.volume_capabilities.emplace_back();
    capability.access_mode.ensure().mode = csi::access_mode(mode, true);
    if (is_block(claim)) {
      capability.block.ensure();
      continue;
    }
    capability.mount.ensure().fs_type = fs_type(storage_class);
    capability.mount->mount_flags = storage_class.mount_options;
  }
  csi_api::TopologyRequirement& here = out.accessibility_requirements.ensure();
  here.requisite.push_back(topology(place));
  here.preferred.push_back(topology(place));
  if (!cloned_from.empty()) out.volume_content_source.ensure().volume.ensure().volume_id = cloned_from;
  return out;
}

core::PersistentVolume persistent_volume(const core::PersistentVolumeClaim& claim, const storage::StorageClass& storage_class,
                                         const csi_api::Volume& made, const Place& place) {
  core::PersistentVolume out;
  out.metadata.name = volume_name(claim);
  out.metadata.annotations[std::string(provisioned_by_annotation)] = place.driver;
  out.metadata.finalizers.emplace_back(volume_finalizer);
  auto& spec = out.spec;
  spec.access_modes = claim.spec.access_modes;
  const int64_t bytes = made.capacity_bytes > 0 ? made.capacity_bytes : requested(claim)->value();
  spec.capacity[storage_resource] = bytes == requested(claim)->value() ? *requested(claim) : binary(bytes);
  core::ObjectReference& claimed = spec.claim_ref.ensure();
  claimed.kind = "PersistentVolumeClaim";
  claimed.api_version = "v1";
  claimed.namespace_ = claim.metadata.namespace_;
  claimed.name = claim.metadata.name;
  claimed.uid = claim.metadata.uid;
  claimed.resource_version = claim.metadata.resource_version;
  spec.persistent_volume_reclaim_policy = storage_class.reclaim_policy.value_or("Delete");
  spec.storage_class_name = storage_class.metadata.name;
  spec.mount_options = storage_class.mount_options;
  spec.volume_mode = claim.spec.volume_mode.value_or("Filesystem");
  core::CSIPersistentVolumeSource& csi = spec.csi.ensure();
  csi.driver = place.driver;
  csi.volume_handle = made.volume_id;
  csi.volume_attributes = made.volume_context;
  if (!is_block(claim)) csi.fs_type = fs_type(storage_class);
  core::NodeSelectorTerm& term = spec.node_affinity.ensure().required.ensure().node_selector_terms.emplace_back();
  core::NodeSelectorRequirement& on = term.match_expressions.emplace_back();
  on.key = place.topology_key;
  on.operator_ = "In";
  on.values = {place.node};
  return out;
}

std::optional<std::string> node_of(const core::PersistentVolume& volume, std::string_view driver, std::string_view topology_key) {
  const std::string* by = volume.metadata.annotations.get(provisioned_by_annotation);
  if (by == nullptr || *by != driver || !volume.spec.csi || volume.spec.csi->driver != driver) return std::nullopt;
  if (!volume.spec.node_affinity || !volume.spec.node_affinity->required) return std::nullopt;
  for (const core::NodeSelectorTerm& term : volume.spec.node_affinity->required->node_selector_terms)
    for (const core::NodeSelectorRequirement& on : term.match_expressions)
      if (on.key == topology_key && on.operator_ == "In" && on.values.size() == 1) return on.values.front();
  return std::nullopt;
}

bool is_of_place(const core::PersistentVolume& volume, const Place& place) { return node_of(volume, place.driver, place.topology_key) == place.node; }

bool has_driver(const storage::CSINode& node, std::string_view driver) {
  return std::ranges::find(node.spec.drivers, driver, &storage::CSINodeDriver::name) != node.spec.drivers.end();
}

bool is_to_be_deleted(const core::PersistentVolume& volume) {
  if (volume.spec.persistent_volume_reclaim_policy != "Delete") return false;
  const auto& finalizers = volume.metadata.finalizers;
  if (std::ranges::find(finalizers, "kubernetes.io/pv-protection") != finalizers.end() && volume.metadata.deletion_timestamp) return false;
  return volume.status.phase == "Released";
}

bool is_to_be_let_go(const core::PersistentVolume& volume) {
  const auto& finalizers = volume.metadata.finalizers;
  return volume.spec.persistent_volume_reclaim_policy != "Delete" && std::ranges::find(finalizers, volume_finalizer) != finalizers.end();
}

std::optional<api::Quantity> wanted_growth(const core::PersistentVolumeClaim& claim, const core::PersistentVolume& volume) {
  const api::Quantity* wanted = requested(claim);
  const api::Quantity* has = volume.spec.capacity.get(storage_resource);
  if (wanted == nullptr || has == nullptr || claim.status.phase != "Bound" || wanted->compare(*has) <= 0) return std::nullopt;
  return *wanted;
}

std::string resizing_patch(const core::PersistentVolumeClaim& claim, const api::Quantity& size, const std::string& now) {
  return growth_patch(claim, size, "ControllerResizeInProgress", condition("Resizing", "", now));
}

std::string node_resize_patch(const core::PersistentVolumeClaim& claim, const api::Quantity& size, const std::string& now) {
  return growth_patch(
      claim, size, "NodeResizePending",
      condition("FileSystemResizePending", "Waiting for user to (re-)start a pod to finish file system resize of volume on node.", now));
}

csi_api::GetCapacityRequest capacity_request(const storage::StorageClass& storage_class, const Place& place) {
  csi_api::GetCapacityRequest out;
  out.parameters = driver_parameters(storage_class);
  out.accessible_topology = topology(place);
  return out;
}

storage::CSIStorageCapacity storage_capacity(const storage::StorageClass& storage_class, const Place& place,
                                             const csi_api::GetCapacityResponse& answer) {
  storage::CSIStorageCapacity out;
  const std::string digest = component::hex(component::sha256(place.driver + "/" + place.node + "/" + storage_class.metadata.name));
  out.metadata.name = "csisc-" + digest.substr(0, 2 * capacity_digest_bytes);
  out.metadata.namespace_ = "kube-system";
  out.metadata.labels["csi.storage.k8s.io/drivername"] = place.driver;
  out.node_topology.ensure().match_labels[place.topology_key] = place.node;
  out.storage_class_name = storage_class.metadata.name;
  out.capacity = binary(answer.available_capacity);
  if (answer.maximum_volume_size) out.maximum_volume_size = binary(answer.maximum_volume_size->value);
  return out;
}

}  // namespace pintle::csi_provisioner

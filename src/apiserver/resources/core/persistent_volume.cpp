#include <algorithm>
#include <array>
#include <chrono>

#include "api/codec.h"
#include "api/gen/core_v1.h"
#include "apimachinery/clock_time.h"
#include "apimachinery/validation/formats.h"
#include "apiserver/resources/core/core.h"
#include "apiserver/resources/core/pod_spec.h"
#include "apiserver/resources/core/volume_claim.h"

namespace pintle::apiserver::resources {
namespace {

namespace core = api::core_v1;

std::string_view short_mode(std::string_view mode) {
  if (mode == "ReadWriteOnce") return "RWO";
  if (mode == "ReadOnlyMany") return "ROX";
  if (mode == "ReadWriteMany") return "RWX";
  if (mode == "ReadWriteOncePod") return "RWOP";
  return "";
}

std::string modes_text(const std::vector<std::string>& modes) {
  std::string out;
  for (const std::string_view wanted : {"ReadWriteOnce", "ReadOnlyMany", "ReadWriteMany", "ReadWriteOncePod"})
    if (std::find(modes.begin(), modes.end(), wanted) != modes.end()) out += (out.empty() ? "" : ",") + std::string(short_mode(wanted));
  return out;
}

int sources_of(const core::PersistentVolumeSource& v) {
  return v.gce_persistent_disk.has_value() + v.aws_elastic_block_store.has_value() + v.host_path.has_value() + v.glusterfs.has_value() +
         v.nfs.has_value() + v.rbd.has_value() + v.iscsi.has_value() + v.cinder.has_value() + v.cephfs.has_value() + v.fc.has_value() +
         v.flocker.has_value() + v.flex_volume.has_value() + v.azure_file.has_value() + v.vsphere_volume.has_value() + v.quobyte.has_value() +
         v.azure_disk.has_value() + v.photon_persistent_disk.has_value() + v.portworx_volume.has_value() + v.scale_io.has_value() +
         v.local.has_value() + v.storageos.has_value() + v.csi.has_value();
}

void validate_source(const core::PersistentVolumeSpec& spec, FieldErrors& errors) {
  const FieldPath at("spec");
  const int given = sources_of(spec);
  if (spec.host_path) {
    if (spec.host_path->path.empty()) errors.required(at.child("hostPath", "path"));
    if (spec.host_path->path.find("..") != std::string::npos)
      errors.invalid(at.child("hostPath", "path"), spec.host_path->path, "must not contain '..'");
  }
  if (spec.nfs) {
    if (spec.nfs->server.empty()) errors.required(at.child("nfs", "server"));
    if (spec.nfs->path.empty()) errors.required(at.child("nfs", "path"));
  }
  if (spec.local) {
    if (spec.local->path.empty()) errors.required(at.child("local", "path"));
    if (!spec.node_affinity) errors.required(FieldPath("metadata", "annotations"), "Local volume requires node affinity");
  }
  if (spec.csi) {
    if (spec.csi->driver.empty()) {
      errors.required(at.child("csi", "driver"));
    } else {
      errors.invalid_all(at.child("csi", "driver"), spec.csi->driver, apimachinery::check_dns_subdomain(spec.csi->driver));
    }
    if (spec.csi->volume_handle.empty()) errors.required(at.child("csi", "volumeHandle"));
  }
  if (given > 1) errors.forbidden(at, "may not specify more than 1 volume type");
  if (given == 0) errors.required(at, "must specify a volume type");
}

class PersistentVolumeStrategy : public registry::TypedStrategy<core::PersistentVolume> {
 public:
  void set_defaults(core::PersistentVolume& volume) const override {
    if (volume.spec.persistent_volume_reclaim_policy.empty()) volume.spec.persistent_volume_reclaim_policy = "Retain";
    if (!volume.spec.volume_mode) volume.spec.volume_mode = "Filesystem";
    if (volume.spec.host_path && !volume.spec.host_path->type) volume.spec.host_path->type.emplace();
  }
  void prepare_for_create(const RequestScope& scope, core::PersistentVolume& volume) const override {
    volume.status = core::PersistentVolumeStatus();
    volume.status.phase = "Pending";
    volume.status.last_phase_transition_time = apimachinery::to_api_time(scope.now);
  }
  void validate(const RequestScope&, const core::PersistentVolume& volume, FieldErrors& errors) const override {
    constexpr std::array<std::string_view, 3> policies{"Delete", "Recycle", "Retain"};
    constexpr std::array<std::string_view, 2> modes{"Block", "Filesystem"};
    const core::PersistentVolumeSpec& spec = volume.spec;
    const FieldPath at("spec");
    if (spec.access_modes.empty()) errors.required(at.child("accessModes"));
    validate_access_modes(spec.access_modes, at.child("accessModes"), errors);
    if (spec.capacity.empty()) {
      errors.required(at.child("capacity"));
    } else if (spec.capacity.size() > 1 || !spec.capacity.contains("storage")) {
      constexpr std::array<std::string_view, 1> only{"storage"};
      errors.not_supported(at.child("capacity"), apimachinery::BadValue::raw("{...}"), only);
    }
    for (const auto& [name, quantity] : spec.capacity)
      if (quantity.sign() <= 0) errors.invalid(at.child("capacity").key(name), quantity.text(), "must be greater than zero");
    if (!spec.persistent_volume_reclaim_policy.empty() &&
        std::find(policies.begin(), policies.end(), spec.persistent_volume_reclaim_policy) == policies.end())
      errors.not_supported(at.child("persistentVolumeReclaimPolicy"), spec.persistent_volume_reclaim_policy, policies);
    if (spec.node_affinity) {
      if (!spec.node_affinity->required) {
        errors.required(at.child("nodeAffinity", "required"), "must specify required node constraints");
      } else {
        validate_node_selector(*spec.node_affinity->required, at.child("nodeAffinity", "required"), errors);
      }
    }
    validate_source(spec, errors);
    if (!spec.storage_class_name.empty())
      errors.invalid_all(at.child("storageClassName"), spec.storage_class_name, apimachinery::check_dns_subdomain(spec.storage_class_name));
    if (spec.volume_mode && std::find(modes.begin(), modes.end(), *spec.volume_mode) == modes.end())
      errors.not_supported(at.child("volumeMode"), *spec.volume_mode, modes);
  }
  void validate_update(const RequestScope&, const core::PersistentVolume& volume, const core::PersistentVolume& old,
                       FieldErrors& errors) const override {
    const auto& type = api::type_of<core::PersistentVolumeSource>();
    if (!api::equal(type, static_cast<const core::PersistentVolumeSource*>(&volume.spec),
                    static_cast<const core::PersistentVolumeSource*>(&old.spec)))
      errors.forbidden(FieldPath("spec", "persistentvolumesource"), "spec.persistentvolumesource is immutable after creation");
    if (volume.spec.volume_mode != old.spec.volume_mode)
      errors.invalid(FieldPath("spec", "volumeMode"), volume.spec.volume_mode.value_or(""), "field is immutable");
  }
  void table_cells(const core::PersistentVolume& volume, registry::TableCells& cells) const override {
    const core::PersistentVolumeSpec& spec = volume.spec;
    const api::Quantity* capacity = spec.capacity.get("storage");
    cells.emplace_back(volume.metadata.name);
    cells.emplace_back(capacity ? capacity->text() : "0");
    cells.emplace_back(modes_text(spec.access_modes));
    cells.emplace_back(spec.persistent_volume_reclaim_policy);
    cells.emplace_back(volume.metadata.deletion_timestamp ? "Terminating" : volume.status.phase);
    cells.emplace_back(spec.claim_ref ? spec.claim_ref->namespace_ + "/" + spec.claim_ref->name : "");
    const std::string* annotated = volume.metadata.annotations.get("volume.beta.kubernetes.io/storage-class");
    cells.emplace_back(annotated ? *annotated : spec.storage_class_name);
    cells.emplace_back(spec.volume_attributes_class_name.value_or("<unset>"));
    cells.emplace_back(volume.status.reason);
    cells.push_back(registry::TableCell::age(volume.metadata.creation_timestamp));
    cells.emplace_back(spec.volume_mode.value_or("<unset>"));
  }
};

class PersistentVolumeStatusStrategy : public registry::TypedStrategy<core::PersistentVolume> {
 public:
  void prepare_for_update(const RequestScope& scope, core::PersistentVolume& volume, const core::PersistentVolume& old) const override {
    volume.spec = old.spec;
    // The time is the server's, unless a client tells one of its own.
    auto& time = volume.status.last_phase_transition_time;
    const auto& before = old.status.last_phase_transition_time;
    if (volume.status.phase == old.status.phase) {
      if (!time) time = before;
    } else if (!time || time == before) {
      time = apimachinery::to_api_time(scope.now);
    }
  }
  bool validate_update_includes_validate() const override { return false; }
};

class PersistentVolumeClaimStrategy : public registry::TypedStrategy<core::PersistentVolumeClaim> {
 public:
  void set_defaults(core::PersistentVolumeClaim& claim) const override { default_claim_spec(claim.spec); }
  void prepare_for_create(const RequestScope&, core::PersistentVolumeClaim& claim) const override {
    claim.status = core::PersistentVolumeClaimStatus();
    claim.status.phase = "Pending";
  }
  void validate(const RequestScope&, const core::PersistentVolumeClaim& claim, FieldErrors& errors) const override {
    validate_claim_spec(claim.spec, FieldPath("spec"), errors);
  }
  // Only a bound claim may grow; all else of the spec stays.
  void validate_update(const RequestScope&, const core::PersistentVolumeClaim& claim, const core::PersistentVolumeClaim& old,
                       FieldErrors& errors) const override {
    core::PersistentVolumeClaimSpec allowed = claim.spec;
    if (old.spec.volume_name.empty()) allowed.volume_name = old.spec.volume_name;
    // Who asked for no class at all may get one later: the default class, when there is one.
    const std::string* annotated = old.metadata.annotations.get("volume.beta.kubernetes.io/storage-class");
    if (!old.spec.storage_class_name && claim.spec.storage_class_name && (annotated == nullptr || *annotated == *claim.spec.storage_class_name))
      allowed.storage_class_name.reset();
    allowed.volume_attributes_class_name = old.spec.volume_attributes_class_name;
    const api::Quantity* before = old.spec.resources.requests.get("storage");
    const api::Quantity* now = claim.spec.resources.requests.get("storage");
    if (before && old.status.phase == "Bound") allowed.resources.requests["storage"] = *before;
    if (!api::equal(api::type_of<core::PersistentVolumeClaimSpec>(), &allowed, &old.spec)) {
      errors.forbidden(FieldPath("spec"),
                       "spec is immutable after creation except resources.requests and volumeAttributesClassName for bound claims");
    }
    const api::Quantity* capacity = old.status.capacity.get("storage");
    if (before && now && now->compare(*before) < 0 && !(capacity && now->compare(*capacity) > 0))
      errors.forbidden(FieldPath("spec", "resources").child("requests", "storage"), "field can not be less than status.capacity");
  }
  void table_cells(const core::PersistentVolumeClaim& claim, registry::TableCells& cells) const override {
    const bool bound = !claim.spec.volume_name.empty();
    const api::Quantity* capacity = claim.status.capacity.get("storage");
    const std::string* annotated = claim.metadata.annotations.get("volume.beta.kubernetes.io/storage-class");
    cells.emplace_back(claim.metadata.name);
    cells.emplace_back(claim.metadata.deletion_timestamp ? "Terminating" : claim.status.phase);
    cells.emplace_back(claim.spec.volume_name);
    cells.emplace_back(bound ? (capacity ? capacity->text() : "0") : "");
    cells.emplace_back(bound ? modes_text(claim.status.access_modes) : "");
    cells.emplace_back(annotated ? *annotated : claim.spec.storage_class_name.value_or(""));
    cells.emplace_back(claim.spec.volume_attributes_class_name.value_or("<unset>"));
    cells.push_back(registry::TableCell::age(claim.metadata.creation_timestamp));
    cells.emplace_back(claim.spec.volume_mode.value_or("<unset>"));
  }
};

}  // namespace

void validate_access_modes(const std::vector<std::string>& modes, const FieldPath& path, FieldErrors& errors) {
  constexpr std::array<std::string_view, 4> supported{"ReadOnlyMany", "ReadWriteMany", "ReadWriteOnce", "ReadWriteOncePod"};
  bool once_pod = false;
  for (const std::string& mode : modes) {
    if (std::find(supported.begin(), supported.end(), mode) == supported.end()) errors.not_supported(path, mode, supported);
    once_pod |= mode == "ReadWriteOncePod";
  }
  if (once_pod && modes.size() > 1) errors.forbidden(path, "may not use ReadWriteOncePod with other access modes");
}

void default_claim_spec(core::PersistentVolumeClaimSpec& spec) {
  if (!spec.volume_mode) spec.volume_mode = "Filesystem";
  // dataSource and dataSourceRef name the same thing.
  if (spec.data_source && !spec.data_source_ref) {
    auto& reference = spec.data_source_ref.emplace();
    reference.kind = spec.data_source->kind;
    reference.name = spec.data_source->name;
    reference.api_group = spec.data_source->api_group;
  } else if (spec.data_source_ref && !spec.data_source && !spec.data_source_ref->namespace_) {
    auto& source = spec.data_source.emplace();
    source.kind = spec.data_source_ref->kind;
    source.name = spec.data_source_ref->name;
    source.api_group = spec.data_source_ref->api_group;
  }
}

void validate_claim_spec(const core::PersistentVolumeClaimSpec& spec, const FieldPath& path, FieldErrors& errors) {
  constexpr std::array<std::string_view, 2> modes{"Block", "Filesystem"};
  if (spec.access_modes.empty()) errors.required(path.child("accessModes"), "at least 1 access mode is required");
  if (spec.selector) validate_label_selector(*spec.selector, path.child("selector"), errors);
  validate_access_modes(spec.access_modes, path.child("accessModes"), errors);
  const api::Quantity* storage = spec.resources.requests.get("storage");
  if (storage == nullptr) {
    errors.required(path.child("resources").key("storage"));
  } else if (storage->sign() <= 0) {
    errors.invalid(path.child("resources").key("storage"), storage->text(), "must be greater than zero");
  }
  if (spec.storage_class_name && !spec.storage_class_name->empty())
    errors.invalid_all(path.child("storageClassName"), *spec.storage_class_name, apimachinery::check_dns_subdomain(*spec.storage_class_name));
  if (spec.volume_mode && std::find(modes.begin(), modes.end(), *spec.volume_mode) == modes.end())
    errors.not_supported(path.child("volumeMode"), *spec.volume_mode, modes);
  if (spec.data_source) {
    if (spec.data_source->name.empty()) errors.required(path.child("dataSource", "name"));
    if (spec.data_source->kind.empty()) errors.required(path.child("dataSource", "kind"));
  }
}

registry::ResourceDefinition persistent_volumes() {
  registry::ResourceDefinition out;
  out.resource = {"", "persistentvolumes"};
  out.strategy = std::make_shared<PersistentVolumeStrategy>();
  out.has_status = true;
  out.return_deleted_object = true;
  out.selectable_fields = {{"name", "metadata.name"}};
  out.parts = {{.name = "status", .strategy = std::make_shared<PersistentVolumeStatusStrategy>()}};
  return out;
}

registry::ResourceDefinition persistent_volume_claims() {
  registry::ResourceDefinition out;
  out.resource = {"", "persistentvolumeclaims"};
  out.strategy = std::make_shared<PersistentVolumeClaimStrategy>();
  out.has_status = true;
  out.return_deleted_object = true;
  out.selectable_fields = {{"name", "metadata.name"}};
  return out;
}

}  // namespace pintle::apiserver::resources

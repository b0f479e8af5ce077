#include <algorithm>
#include <array>
#include <set>
#include <string_view>

#include "api/codec.h"
#include "api/gen/storage_v1.h"
#include "apimachinery/validation/formats.h"
#include "apiserver/resources/core/pod_spec.h"
#include "apiserver/resources/resources.h"
#include "base/strings.h"

namespace pintle::apiserver::resources {
namespace {

namespace storage = api::storage_v1;
using apimachinery::BadValue;

constexpr std::string_view group = "storage.k8s.io";
constexpr std::string_view default_annotation = "storageclass.kubernetes.io/is-default-class";
constexpr std::string_view default_beta_annotation = "storageclass.beta.kubernetes.io/is-default-class";
constexpr std::size_t driver_bytes_max = 63;
constexpr std::size_t parameters_max = 512;
constexpr std::size_t parameters_bytes_max = 256 << 10;
constexpr int64_t token_seconds_min = 600;

void validate_provisioner(const std::string& name, const FieldPath& path, FieldErrors& errors) {
  if (name.empty()) {
    errors.required(path);
    return;
  }
  errors.invalid_all(path, name, apimachinery::check_qualified_name(to_lower(name)));
}

void validate_driver(const std::string& name, const FieldPath& path, FieldErrors& errors) {
  if (name.empty()) errors.required(path);
  if (name.size() > driver_bytes_max) errors.too_long(path, driver_bytes_max);
  errors.invalid_all(path, name, apimachinery::check_dns_subdomain(to_lower(name)));
}

void validate_parameters(const FlatMap<std::string>& parameters, const FieldPath& path, FieldErrors& errors) {
  if (parameters.size() > parameters_max) errors.too_long(path, parameters_max);
  std::size_t bytes = 0;
  for (const auto& [key, value] : parameters) {
    if (key.empty()) errors.invalid(path, key, "field can not be empty.");
    bytes += key.size() + value.size();
  }
  if (bytes > parameters_bytes_max) errors.too_long(path, parameters_bytes_max);
}

void validate_topologies(const std::vector<api::core_v1::TopologySelectorTerm>& terms, const FieldPath& path, FieldErrors& errors) {
  for (std::size_t t = 0; t < terms.size(); ++t)
    for (std::size_t e = 0; e < terms[t].match_label_expressions.size(); ++e) {
      const auto& requirement = terms[t].match_label_expressions[e];
      const FieldPath at = path.index(t).child("matchLabelExpressions").index(e);
      if (requirement.values.empty()) errors.required(at.child("values"));
      errors.invalid_all(at.child("key"), requirement.key, apimachinery::check_qualified_name(requirement.key));
      std::set<std::string_view> seen;
      for (std::size_t v = 0; v < requirement.values.size(); ++v)
        if (!seen.insert(requirement.values[v]).second) errors.duplicate(at.child("values").index(v), requirement.values[v]);
    }
}

class StorageClassStrategy : public registry::TypedStrategy<storage::StorageClass> {
 public:
  void validate(const RequestScope&, const storage::StorageClass& storage_class, FieldErrors& errors) const override {
    constexpr std::array<std::string_view, 2> policies{"Delete", "Retain"};
    constexpr std::array<std::string_view, 2> modes{"Immediate", "WaitForFirstConsumer"};
    validate_provisioner(storage_class.provisioner, FieldPath("provisioner"), errors);
    validate_parameters(storage_class.parameters, FieldPath("parameters"), errors);
    if (storage_class.reclaim_policy && !contains(policies, *storage_class.reclaim_policy))
      errors.not_supported(FieldPath("reclaimPolicy"), *storage_class.reclaim_policy, policies);
    if (!storage_class.volume_binding_mode) {
      errors.required(FieldPath("volumeBindingMode"));
    } else if (!contains(modes, *storage_class.volume_binding_mode)) {
      errors.not_supported(FieldPath("volumeBindingMode"), *storage_class.volume_binding_mode, modes);
    }
    validate_topologies(storage_class.allowed_topologies, FieldPath("allowedTopologies"), errors);
  }
  void validate_update(const RequestScope&, const storage::StorageClass& storage_class, const storage::StorageClass& old,
                       FieldErrors& errors) const override {
    if (storage_class.parameters != old.parameters) errors.forbidden(FieldPath("parameters"), "updates to parameters are forbidden.");
    if (storage_class.provisioner != old.provisioner) errors.forbidden(FieldPath("provisioner"), "updates to provisioner are forbidden.");
    if (storage_class.reclaim_policy != old.reclaim_policy) errors.forbidden(FieldPath("reclaimPolicy"), "updates to reclaimPolicy are forbidden.");
    if (storage_class.volume_binding_mode != old.volume_binding_mode)
      errors.invalid(FieldPath("volumeBindingMode"), storage_class.volume_binding_mode.value_or(""), "field is immutable");
  }
  void table_cells(const storage::StorageClass& storage_class, registry::TableCells& cells) const override {
    bool by_default = false;
    for (const std::string_view annotation : {default_annotation, default_beta_annotation})
      if (const std::string* value = storage_class.metadata.annotations.get(annotation)) by_default |= *value == "true";
    cells.emplace_back(storage_class.metadata.name + (by_default ? " (default)" : ""));
    cells.emplace_back(storage_class.provisioner);
    cells.emplace_back(storage_class.reclaim_policy.value_or("Delete"));
    cells.emplace_back(storage_class.volume_binding_mode.value_or("<unset>"));
    cells.emplace_back(storage_class.allow_volume_expansion.value_or(false));
    cells.push_back(registry::TableCell::age(storage_class.metadata.creation_timestamp));
  }
};

class CSIDriverStrategy : public registry::TypedStrategy<storage::CSIDriver> {
 public:
  void warnings(const RequestScope&, const storage::CSIDriver& driver, const storage::CSIDriver* old, std::vector<std::string>& out) const override {
    if (driver.spec.token_requests.empty() || driver.spec.service_account_token_in_secrets) return;
    const auto same = [](const storage::TokenRequest& a, const storage::TokenRequest& b) {
      return a.audience == b.audience && a.expiration_seconds == b.expiration_seconds;
    };
    if (old != nullptr && std::equal(driver.spec.token_requests.begin(), driver.spec.token_requests.end(), old->spec.token_requests.begin(),
                                     old->spec.token_requests.end(), same))
      return;
    out.emplace_back(
        "spec.serviceAccountTokenInSecrets should be true where there are spec.tokenRequests: tokens then reach the driver among the secrets, which "
        "it does not log");
  }
  void set_defaults(storage::CSIDriver& driver) const override {
    storage::CSIDriverSpec& spec = driver.spec;
    const auto value = [](std::optional<bool>& field, bool by_default) {
      if (!field) field = by_default;
    };
    value(spec.attach_required, true);
    value(spec.pod_info_on_mount, false);
    value(spec.storage_capacity, false);
    value(spec.requires_republish, false);
    value(spec.se_linux_mount, false);
    if (!spec.fs_group_policy) spec.fs_group_policy = "ReadWriteOnceWithFSType";
    if (spec.volume_lifecycle_modes.empty()) spec.volume_lifecycle_modes = {"Persistent"};
  }
  void validate(const RequestScope&, const storage::CSIDriver& driver, FieldErrors& errors) const override {
    constexpr std::array<std::string_view, 3> group_policies{"File", "None", "ReadWriteOnceWithFSType"};
    constexpr std::array<std::string_view, 2> modes{"Persistent", "Ephemeral"};
    const FieldPath at("spec");
    validate_driver(driver.metadata.name, FieldPath("name"), errors);
    if (!driver.spec.attach_required) errors.required(at.child("attachedRequired"));
    if (!driver.spec.pod_info_on_mount) errors.required(at.child("podInfoOnMount"));
    if (!driver.spec.fs_group_policy) {
      errors.required(at.child("fsGroupPolicy"));
    } else if (!contains(group_policies, *driver.spec.fs_group_policy)) {
      errors.not_supported(at.child("fsGroupPolicy"), *driver.spec.fs_group_policy, group_policies);
    }
    std::set<std::string_view> audiences;
    for (std::size_t i = 0; i < driver.spec.token_requests.size(); ++i) {
      const FieldPath token = at.child("tokenRequests").index(i);
      if (!audiences.insert(driver.spec.token_requests[i].audience).second)
        errors.duplicate(token.child("audience"), driver.spec.token_requests[i].audience);
      if (driver.spec.token_requests[i].expiration_seconds && *driver.spec.token_requests[i].expiration_seconds < token_seconds_min)
        errors.invalid(token.child("expirationSeconds"), *driver.spec.token_requests[i].expiration_seconds,
                       "may not specify a duration less than 10 minutes");
    }
    for (const std::string& mode : driver.spec.volume_lifecycle_modes)
      if (!contains(modes, mode)) errors.not_listed(at.child("volumeLifecycleModes"), mode, modes);
  }
  void table_cells(const storage::CSIDriver& driver, registry::TableCells& cells) const override {
    const storage::CSIDriverSpec& spec = driver.spec;
    std::string audiences;
    for (const storage::TokenRequest& token : spec.token_requests) audiences += (audiences.empty() ? "" : ",") + token.audience;
    std::string modes;
    for (const std::string& mode : spec.volume_lifecycle_modes) modes += (modes.empty() ? "" : ",") + mode;
    cells.emplace_back(driver.metadata.name);
    cells.emplace_back(spec.attach_required.value_or(true));
    cells.emplace_back(spec.pod_info_on_mount.value_or(false));
    cells.emplace_back(spec.storage_capacity.value_or(false));
    cells.emplace_back(spec.token_requests.empty() ? "<unset>" : audiences);
    cells.emplace_back(spec.requires_republish.value_or(false));
    cells.emplace_back(modes.empty() ? "<none>" : modes);
    cells.push_back(registry::TableCell::age(driver.metadata.creation_timestamp));
  }
};

class CSINodeStrategy : public registry::TypedStrategy<storage::CSINode> {
 public:
  void validate(const RequestScope&, const storage::CSINode& node, FieldErrors& errors) const override {
    std::set<std::string_view> names;
    for (std::size_t i = 0; i < node.spec.drivers.size(); ++i) {
      const storage::CSINodeDriver& driver = node.spec.drivers[i];
      const FieldPath at = FieldPath("spec", "drivers").index(i);
      validate_driver(driver.name, at.child("name"), errors);
      if (driver.node_id.empty()) errors.required(at.child("nodeID"));
      if (driver.allocatable && driver.allocatable->count.value_or(0) < 0)
        errors.invalid(at.child("allocatable", "count"), *driver.allocatable->count, "must be greater than or equal to 0");
      if (!names.insert(driver.name).second) errors.duplicate(at.child("name"), driver.name);
    }
  }
  void table_cells(const storage::CSINode& node, registry::TableCells& cells) const override {
    cells.emplace_back(node.metadata.name);
    cells.emplace_back(static_cast<int64_t>(node.spec.drivers.size()));
    cells.push_back(registry::TableCell::age(node.metadata.creation_timestamp));
  }
};

class CSIStorageCapacityStrategy : public registry::TypedStrategy<storage::CSIStorageCapacity> {
 public:
  void validate(const RequestScope&, const storage::CSIStorageCapacity& capacity, FieldErrors& errors) const override {
    if (capacity.node_topology) validate_label_selector(*capacity.node_topology, FieldPath("nodeTopology"), errors);
    errors.invalid_all(FieldPath("storageClassName"), capacity.storage_class_name, apimachinery::check_dns_subdomain(capacity.storage_class_name));
    if (capacity.capacity && capacity.capacity->sign() < 0)
      errors.invalid(FieldPath("capacity"), capacity.capacity->text(), "must be greater than or equal to 0");
    if (capacity.maximum_volume_size && capacity.maximum_volume_size->sign() < 0)
      errors.invalid(FieldPath("maximumVolumeSize"), capacity.maximum_volume_size->text(), "must be greater than or equal to 0");
  }
  void validate_update(const RequestScope&, const storage::CSIStorageCapacity& capacity, const storage::CSIStorageCapacity& old,
                       FieldErrors& errors) const override {
    if (capacity.storage_class_name != old.storage_class_name)
      errors.invalid(FieldPath("storageClassName"), capacity.storage_class_name, "field is immutable");
  }
  void table_cells(const storage::CSIStorageCapacity& capacity, registry::TableCells& cells) const override {
    cells.emplace_back(capacity.metadata.name);
    cells.emplace_back(capacity.storage_class_name);
    cells.emplace_back(capacity.capacity ? capacity.capacity->text() : "<unset>");
    cells.push_back(registry::TableCell::age(capacity.metadata.creation_timestamp));
  }
};

class VolumeAttachmentStrategy : public registry::TypedStrategy<storage::VolumeAttachment> {
 public:
  void prepare_for_create(const RequestScope&, storage::VolumeAttachment& attachment) const override {
    attachment.status = storage::VolumeAttachmentStatus();
  }
  void validate(const RequestScope&, const storage::VolumeAttachment& attachment, FieldErrors& errors) const override {
    const FieldPath at("spec");
    validate_driver(attachment.spec.attacher, at.child("attacher"), errors);
    const bool inline_volume = attachment.spec.source.inline_volume_spec.has_value();
    const auto& name = attachment.spec.source.persistent_volume_name;
    if (!inline_volume && (!name || name->empty())) {
      errors.required(at.child("source"), "must specify exactly one of inlineVolumeSpec and persistentVolumeName");
    } else if (inline_volume && name) {
      errors.forbidden(at.child("source"), "must specify exactly one of inlineVolumeSpec and persistentVolumeName");
    } else if (name) {
      errors.invalid_all(at.child("source", "persistentVolumeName"), *name, apimachinery::check_dns_subdomain(*name));
    }
    errors.invalid_all(at.child("nodeName"), attachment.spec.node_name, apimachinery::check_dns_subdomain(attachment.spec.node_name));
  }
  void validate_update(const RequestScope&, const storage::VolumeAttachment& attachment, const storage::VolumeAttachment& old,
                       FieldErrors& errors) const override {
    if (!api::equal(api::type_of<storage::VolumeAttachmentSpec>(), &attachment.spec, &old.spec))
      errors.invalid(FieldPath("spec"), BadValue::raw("{...}"), "field is immutable");
  }
  void table_cells(const storage::VolumeAttachment& attachment, registry::TableCells& cells) const override {
    cells.emplace_back(attachment.metadata.name);
    cells.emplace_back(attachment.spec.attacher);
    cells.emplace_back(attachment.spec.source.persistent_volume_name.value_or(""));
    cells.emplace_back(attachment.spec.node_name);
    cells.emplace_back(attachment.status.attached);
    cells.push_back(registry::TableCell::age(attachment.metadata.creation_timestamp));
  }
};

class VolumeAttributesClassStrategy : public registry::TypedStrategy<storage::VolumeAttributesClass> {
 public:
  void validate(const RequestScope&, const storage::VolumeAttributesClass& attributes, FieldErrors& errors) const override {
    validate_provisioner(attributes.driver_name, FieldPath("driverName"), errors);
    if (attributes.parameters.empty()) errors.required(FieldPath("parameters"), "must contain at least one key/value pair");
    validate_parameters(attributes.parameters, FieldPath("parameters"), errors);
  }
  void validate_update(const RequestScope&, const storage::VolumeAttributesClass& attributes, const storage::VolumeAttributesClass& old,
                       FieldErrors& errors) const override {
    if (attributes.driver_name != old.driver_name) errors.invalid(FieldPath("driverName"), attributes.driver_name, "field is immutable");
    if (attributes.parameters != old.parameters) errors.invalid(FieldPath("parameters"), BadValue::raw("{...}"), "field is immutable");
  }
  void table_cells(const storage::VolumeAttributesClass& attributes, registry::TableCells& cells) const override {
    cells.emplace_back(attributes.metadata.name);
    cells.emplace_back(attributes.driver_name);
    cells.push_back(registry::TableCell::age(attributes.metadata.creation_timestamp));
  }
};

registry::ResourceDefinition make(const char* resource, std::shared_ptr<const registry::Strategy> strategy) {
  registry::ResourceDefinition out;
  out.resource = {std::string(group), resource};
  out.strategy = std::move(strategy);
  out.return_deleted_object = true;
  return out;
}

}  // namespace

void add_storage(Definitions& out) {
  out.push_back(make("storageclasses", std::make_shared<StorageClassStrategy>()));
  out.push_back(make("csidrivers", std::make_shared<CSIDriverStrategy>()));
  out.push_back(make("csinodes", std::make_shared<CSINodeStrategy>()));
  out.push_back(make("csistoragecapacities", std::make_shared<CSIStorageCapacityStrategy>()));
  registry::ResourceDefinition attachments = make("volumeattachments", std::make_shared<VolumeAttachmentStrategy>());
  attachments.has_status = true;
  attachments.parts = {registry::status_alone()};
  out.push_back(std::move(attachments));
  out.push_back(make("volumeattributesclasses", std::make_shared<VolumeAttributesClassStrategy>()));
}

}  // namespace pintle::apiserver::resources

#include "apimachinery/validation/object_meta.h"
#include "apimachinery/validation/shown.h"

#include <algorithm>
#include <set>

#include "api/codec.h"
#include "codec/json_text.h"

namespace pintle::apimachinery {
namespace {

using api::meta_v1::ObjectMeta;

constexpr std::size_t subresource_bytes_max = 256;
constexpr std::size_t condition_reason_bytes_max = 1 << 10;
constexpr std::size_t condition_message_bytes_max = 32 << 10;
constexpr std::string_view orphan_finalizer = "orphan";
constexpr std::string_view foreground_finalizer = "foregroundDeletion";

void validate_owner(const api::meta_v1::OwnerReference& owner, const FieldPath& path, FieldErrors& errors) {
  const std::size_t slash = owner.api_version.find('/');
  const bool has_version = slash == std::string::npos ? !owner.api_version.empty() : slash + 1 < owner.api_version.size();
  if (!has_version) errors.invalid(path.child("apiVersion"), owner.api_version, "version must not be empty");
  if (owner.kind.empty()) errors.invalid(path.child("kind"), owner.kind, "must not be empty");
  if (owner.name.empty()) errors.invalid(path.child("name"), owner.name, "must not be empty");
  if (owner.uid.empty()) errors.invalid(path.child("uid"), owner.uid, "must not be empty");
  if (owner.api_version == "v1" && owner.kind == "Event") errors.invalid(path, shown(owner), "an Event cannot be an owner");
}

void validate_owners(const std::vector<api::meta_v1::OwnerReference>& owners, const FieldPath& path, FieldErrors& errors) {
  bool has_controller = false;
  for (const auto& owner : owners) {
    validate_owner(owner, path, errors);
    if (!owner.controller.value_or(false)) continue;
    if (has_controller) errors.invalid(path, shown(owner), "only one reference can have controller set to true");
    has_controller = true;
  }
}

void validate_managed_fields(const std::vector<api::meta_v1::ManagedFieldsEntry>& entries, const FieldPath& path, FieldErrors& errors) {
  for (std::size_t i = 0; i < entries.size(); ++i) {
    const auto& entry = entries[i];
    const FieldPath at = path.index(i);
    if (entry.operation != "Apply" && entry.operation != "Update")
      errors.invalid(at.child("operation"), entry.operation, "must be `Apply` or `Update`");
    if (!entry.fields_type.empty() && entry.fields_type != "FieldsV1")
      errors.invalid(at.child("fieldsType"), entry.fields_type, "must be `FieldsV1`");
    validate_field_manager(entry.manager, at.child("manager"), errors);
    if (entry.subresource.size() > subresource_bytes_max) errors.too_long(at.child("subresource"), subresource_bytes_max);
  }
}

void require_same(bool same, const FieldPath& path, const BadValue& value, FieldErrors& errors) {
  if (!same) errors.invalid(path, value, immutable_detail);
}

BadValue shown_time(const std::optional<api::Time>& time) { return time && !time->zero() ? BadValue(api::format_time(*time)) : BadValue(nullptr); }
BadValue shown_number(const std::optional<int64_t>& number) { return number ? BadValue(*number) : BadValue(nullptr); }

}  // namespace

void validate_object_meta(const ObjectMeta& meta, bool namespaced, NameCheck name_check, const FieldPath& path, FieldErrors& errors) {
  if (!meta.generate_name.empty()) errors.invalid_all(path.child("generateName"), meta.generate_name, name_check(meta.generate_name, true));
  if (meta.name.empty()) {
    errors.required(path.child("name"), "name or generateName is required");
  } else {
    errors.invalid_all(path.child("name"), meta.name, name_check(meta.name, false));
  }
  if (!namespaced) {
    if (!meta.namespace_.empty()) errors.forbidden(path.child("namespace"), "not allowed on this type");
  } else if (meta.namespace_.empty()) {
    errors.required(path.child("namespace"));
  } else {
    errors.invalid_all(path.child("namespace"), meta.namespace_, check_dns_label(meta.namespace_));
  }
  if (meta.generation < 0) errors.invalid(path.child("generation"), meta.generation, "must be greater than or equal to 0");
  validate_labels(meta.labels, path.child("labels"), errors);
  validate_annotations(meta.annotations, path.child("annotations"), errors);
  validate_owners(meta.owner_references, path.child("ownerReferences"), errors);
  validate_finalizers(meta.finalizers, path.child("finalizers"), errors);
  validate_managed_fields(meta.managed_fields, path.child("managedFields"), errors);
}

void validate_object_meta_update(const ObjectMeta& meta, const ObjectMeta& old, const FieldPath& path, FieldErrors& errors) {
  if (old.deletion_timestamp) {
    const std::set<std::string_view> before(old.finalizers.begin(), old.finalizers.end());
    const bool added = std::ranges::any_of(meta.finalizers, [&](const std::string& f) { return !before.contains(f); });
    if (added) errors.forbidden(path.child("finalizers"), "no new finalizers can be added while the object is being deleted");
  }
  if (meta.resource_version.empty()) errors.invalid(path.child("resourceVersion"), meta.resource_version, "must be specified for an update");
  if (meta.generation < old.generation) errors.invalid(path.child("generation"), meta.generation, "must not be decremented");
  require_same(meta.name == old.name, path.child("name"), meta.name, errors);
  require_same(meta.namespace_ == old.namespace_, path.child("namespace"), meta.namespace_, errors);
  require_same(meta.uid == old.uid, path.child("uid"), meta.uid, errors);
  require_same(meta.creation_timestamp == old.creation_timestamp, path.child("creationTimestamp"), shown_time(meta.creation_timestamp), errors);
  require_same(meta.deletion_timestamp == old.deletion_timestamp, path.child("deletionTimestamp"), shown_time(meta.deletion_timestamp), errors);
  require_same(meta.deletion_grace_period_seconds == old.deletion_grace_period_seconds, path.child("deletionGracePeriodSeconds"),
               shown_number(meta.deletion_grace_period_seconds), errors);
  validate_labels(meta.labels, path.child("labels"), errors);
  validate_annotations(meta.annotations, path.child("annotations"), errors);
  validate_owners(meta.owner_references, path.child("ownerReferences"), errors);
  validate_managed_fields(meta.managed_fields, path.child("managedFields"), errors);
}

void validate_labels(const FlatMap<std::string>& labels, const FieldPath& path, FieldErrors& errors) {
  for (const auto& [key, value] : labels) {
    errors.invalid_all(path, key, check_qualified_name(key));
    errors.invalid_all(path, value, check_label_value(value));
  }
}

void validate_annotations(const FlatMap<std::string>& annotations, const FieldPath& path, FieldErrors& errors) {
  std::size_t bytes = 0;
  for (const auto& [key, value] : annotations) {
    bytes += key.size() + value.size();
    std::string lower = key;  // case does not matter here
    std::ranges::transform(lower, lower.begin(), [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
    errors.invalid_all(path, key, check_qualified_name(lower));
  }
  if (bytes > annotations_bytes_max) errors.too_long(path, annotations_bytes_max);
}

void validate_finalizers(const std::vector<std::string>& finalizers, const FieldPath& path, FieldErrors& errors) {
  bool orphan = false, foreground = false;
  for (const std::string& finalizer : finalizers) {
    errors.invalid_all(path, finalizer, check_qualified_name(finalizer));
    orphan |= finalizer == orphan_finalizer;
    foreground |= finalizer == foreground_finalizer;
  }
  if (orphan && foreground) errors.invalid(path, orphan_finalizer, "finalizers orphan and foregroundDeletion cannot both be set");
}

void validate_label_selector(const api::meta_v1::LabelSelector* selector, const FieldPath& path, FieldErrors& errors) {
  if (selector == nullptr) return;
  validate_labels(selector->match_labels, path.child("matchLabels"), errors);
  for (std::size_t i = 0; i < selector->match_expressions.size(); ++i) {
    const auto& expression = selector->match_expressions[i];
    const FieldPath at = path.child("matchExpressions").index(i);
    if (expression.operator_ == "In" || expression.operator_ == "NotIn") {
      if (expression.values.empty()) errors.required(at.child("values"), "must be specified when `operator` is 'In' or 'NotIn'");
    } else if (expression.operator_ == "Exists" || expression.operator_ == "DoesNotExist") {
      if (!expression.values.empty()) errors.forbidden(at.child("values"), "may not be specified when `operator` is 'Exists' or 'DoesNotExist'");
    } else {
      errors.invalid(at.child("operator"), expression.operator_, "not a valid selector operator");
    }
    errors.invalid_all(at.child("key"), expression.key, check_qualified_name(expression.key));
    const FieldPath values = at.child("values");
    for (std::size_t j = 0; j < expression.values.size(); ++j)
      errors.invalid_all(values.index(j), expression.values[j], check_label_value(expression.values[j]));
  }
}

void validate_conditions(const std::vector<api::meta_v1::Condition>& conditions, const FieldPath& path, FieldErrors& errors) {
  static constexpr std::string_view statuses[] = {"True", "False", "Unknown"};
  std::set<std::string_view> types;
  for (std::size_t i = 0; i < conditions.size(); ++i) {
    const auto& condition = conditions[i];
    const FieldPath at = path.index(i);
    if (!types.insert(condition.type).second) errors.duplicate(at.child("type"), condition.type);
    errors.invalid_all(at.child("type"), condition.type, check_qualified_name(condition.type));
    if (std::ranges::find(statuses, condition.status) == std::end(statuses)) errors.not_supported(at.child("status"), condition.status, statuses);
    if (condition.observed_generation < 0)
      errors.invalid(at.child("observedGeneration"), condition.observed_generation, "must be greater than or equal to zero");
    if (condition.last_transition_time.zero()) errors.required(at.child("lastTransitionTime"));
    if (condition.reason.empty()) {
      errors.required(at.child("reason"));
    } else if (condition.reason.size() > condition_reason_bytes_max) {
      errors.too_long(at.child("reason"), condition_reason_bytes_max);
    }
    if (condition.message.size() > condition_message_bytes_max) errors.too_long(at.child("message"), condition_message_bytes_max);
  }
}

void validate_field_manager(std::string_view manager, const FieldPath& path, FieldErrors& errors) {
  if (manager.size() > field_manager_bytes_max) errors.too_long(path, field_manager_bytes_max);
  const bool printable = std::ranges::all_of(manager, [](char c) { return static_cast<unsigned char>(c) >= 0x20 && c != 0x7f; });
  if (!printable || !codec::is_valid_utf8(manager)) errors.invalid(path, manager, "must consist of printable characters");
}

}  // namespace pintle::apimachinery

#include "apiserver/resources/apiextensions/apiextensions.h"

#include <algorithm>
#include <array>
#include <set>

#include "api/codec.h"
#include "apimachinery/clock_time.h"
#include "apimachinery/validation/formats.h"
#include "apiserver/resources/apiextensions/approval.h"
#include "apiserver/resources/resources.h"
#include "rules/conditions.h"

namespace pintle::apiserver::resources {
namespace apiextensions {

namespace {

using Spec = v1::CustomResourceDefinitionSpec;

constexpr std::size_t deprecation_warning_bytes_max = 256;

template <class T>
bool same(const T& a, const T& b) {
  return api::equal(api::type_of<T>(), &a, &b);
}
template <class T>
bool same(const Box<T>& a, const Box<T>& b) {
  return a.has_value() == b.has_value() && (!a || same(*a, *b));
}
template <class T>
bool same(const std::vector<T>& a, const std::vector<T>& b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](const T& x, const T& y) { return same(x, y); });
}
template <class T>
bool is_given(const Box<T>& part) {
  return part.has_value();
}
template <class T>
bool is_given(const std::vector<T>& part) {
  return !part.empty();
}

template <class Part>
bool all_agree(const Spec& spec, Part part) {
  return !spec.versions.empty() && std::all_of(spec.versions.begin(), spec.versions.end(), [&](const auto& version) {
    return is_given(version.*part) && same(version.*part, spec.versions[0].*part);
  });
}

void validate_name(const v1::CustomResourceDefinition& definition, FieldErrors& errors) {
  const std::string& name = definition.metadata.name;
  const std::string& prefix = definition.metadata.generate_name;
  if (!prefix.empty()) errors.invalid_all(FieldPath("metadata", "generateName"), prefix, apimachinery::name_is_dns_subdomain(prefix, true));
  if (name.empty()) return;  // said with the metadata
  const FieldPath path("metadata", "name");
  errors.invalid_all(path, name, apimachinery::check_dns_subdomain(name));
  if (name != definition.spec.names.plural + "." + definition.spec.group)
    errors.invalid(path, name, "must be the plural name and the group, joined by a dot");
}

void validate_group(const std::string& group, FieldErrors& errors) {
  const FieldPath path("spec", "group");
  if (group.empty()) {
    errors.required(path);
  } else if (const auto faults = apimachinery::check_dns_subdomain(group); !faults.empty()) {
    errors.invalid(path, group, faults.front());
  } else if (group.find('.') == std::string::npos) {
    errors.invalid(path, group, "must be a domain of two segments or more");
  }
}

// Whether the version said just this of its objects before.
bool has_same_schema(const Spec* old, const v1::CustomResourceDefinitionVersion& version) {
  if (old == nullptr) return false;
  const auto before = std::ranges::find(old->versions, version.name, &v1::CustomResourceDefinitionVersion::name);
  return before != old->versions.end() && same(before->schema, version.schema);
}

// What a definition is judged by: the one before it, nullptr for a new one, and the zones that its rules may name.
struct Judged {
  const Spec* old = nullptr;
  const apimachinery::cel::TimeZones* zones = nullptr;
};

apimachinery::schema::SchemaRules schema_rules(const v1::CustomResourceDefinitionVersion& version, const Judged& by, bool has_status) {
  return {.has_status = has_status, .unchanged = has_same_schema(by.old, version), .zones = by.zones};
}

void validate_version(const v1::CustomResourceDefinitionVersion& version, const Judged& by, const Shared& shared, const FieldPath& path,
                      FieldErrors& errors) {
  if (const auto faults = apimachinery::check_dns1035_label(version.name); !faults.empty())
    errors.invalid(path.child("name"), version.name, faults.front());
  if (version.deprecation_warning) {
    const FieldPath at = path.child("deprecationWarning");
    if (!version.deprecated) {
      errors.invalid(at, *version.deprecation_warning, "is for deprecated versions");
    } else if (version.deprecation_warning->empty() || version.deprecation_warning->size() > deprecation_warning_bytes_max) {
      errors.invalid(at, *version.deprecation_warning, "must hold 1 to 256 bytes");
    }
  }
  const bool has_status = version.subresources && version.subresources->status;
  if (!shared.schema && version.schema && version.schema->open_apiv_3_schema)
    validate_schema(*version.schema->open_apiv_3_schema, schema_rules(version, by, has_status), path.child("schema"), errors);
  if (!shared.subresources && version.subresources) validate_subresources(*version.subresources, path.child("subresources"), errors);
  if (!shared.columns)
    for (std::size_t i = 0; i < version.additional_printer_columns.size(); ++i)
      validate_column(version.additional_printer_columns[i], path.child("additionalPrinterColumns").index(i), errors);
  if (!shared.selectable_fields) validate_selectable_fields(version.selectable_fields, version.schema.get(), path.child("selectableFields"), errors);
}

void validate_shared(const Spec& spec, const Judged& by, const Shared& shared, FieldErrors& errors) {
  const FieldPath path("spec");
  if (spec.versions.empty()) return;
  const auto& any = spec.versions[0];
  const bool has_status = std::any_of(spec.versions.begin(), spec.versions.end(),
                                      [](const auto& version) { return version.subresources && version.subresources->status; });
  if (shared.schema && any.schema->open_apiv_3_schema)
    validate_schema(*any.schema->open_apiv_3_schema, schema_rules(any, by, has_status), path.child("validation"), errors);
  if (shared.subresources) validate_subresources(*any.subresources, path.child("subresources"), errors);
  if (shared.columns)
    for (std::size_t i = 0; i < any.additional_printer_columns.size(); ++i)
      validate_column(any.additional_printer_columns[i], path.child("additionalPrinterColumns").index(i), errors);
  if (shared.selectable_fields) validate_selectable_fields(any.selectable_fields, any.schema.get(), path.child("selectableFields"), errors);
}

void validate_spec(const Spec& spec, const Judged& by, FieldErrors& errors) {
  constexpr std::array<std::string_view, 2> scopes{"Cluster", "Namespaced"};
  const FieldPath path("spec"), versions = path.child("versions"), names = path.child("names");
  const Shared shared = shared_parts(spec);
  validate_group(spec.group, errors);
  if (spec.scope.empty()) {
    errors.required(path.child("scope"));
  } else if (std::find(scopes.begin(), scopes.end(), spec.scope) == scopes.end()) {
    errors.not_supported(path.child("scope"), spec.scope, scopes);
  }
  for (std::size_t i = 0; i < spec.versions.size(); ++i)
    if (!spec.versions[i].schema || !spec.versions[i].schema->open_apiv_3_schema)
      errors.required(versions.index(i).child("schema", "openAPIV3Schema"));
  std::set<std::string_view> seen;
  std::size_t storage = 0;
  for (std::size_t i = 0; i < spec.versions.size(); ++i) {
    storage += spec.versions[i].storage;
    seen.insert(spec.versions[i].name);
    validate_version(spec.versions[i], by, shared, versions.index(i), errors);
  }
  if (seen.size() != spec.versions.size()) errors.invalid(versions, nullptr, "must hold each name once");
  if (storage != 1) errors.invalid(versions, nullptr, "exactly one version must be the storage version");
  if (spec.names.plural.empty()) errors.required(names.child("plural"));
  if (spec.names.singular.empty()) errors.required(names.child("singular"));
  if (spec.names.kind.empty()) errors.required(names.child("kind"));
  if (spec.names.list_kind.empty()) errors.required(names.child("listKind"));
  validate_names(spec.names, names, errors);
  validate_shared(spec, by, shared, errors);
  if (spec.conversion && spec.conversion->strategy != "None" && spec.preserve_unknown_fields)
    errors.invalid(path.child("conversion", "strategy"), spec.conversion->strategy, "must be None where unknown fields are kept");
  if (spec.conversion) validate_conversion(*spec.conversion, by.old, path.child("conversion"), errors);
}

void validate_stored_versions(const v1::CustomResourceDefinition& definition, FieldErrors& errors) {
  const FieldPath path("status", "storedVersions");
  const auto& stored = definition.status.stored_versions;
  if (stored.empty()) {
    errors.invalid(path, nullptr, "must hold a version");
    return;
  }
  std::set<std::string_view> left(stored.begin(), stored.end());
  for (const auto& version : definition.spec.versions) {
    const bool known = left.erase(version.name) > 0;
    if (version.storage && !known) errors.invalid(path, version.name, "must hold the storage version " + version.name);
  }
  for (std::size_t i = 0; i < stored.size(); ++i)
    if (left.contains(stored[i]))
      errors.invalid(path.index(i), stored[i], "objects may still be stored in this version: it must stay in spec.versions");
}

void validate_approval(const v1::CustomResourceDefinition& definition, FieldErrors& errors) {
  const Approval approval = approval_of(definition);
  const FieldPath path = FieldPath("metadata", "annotations").key(approval_annotation);
  if (approval.state == Approval::State::Missing) errors.required(path, approval.message);
  if (approval.state == Approval::State::Invalid) {
    const std::string& said = definition.metadata.annotations.find(approval_annotation)->second;
    errors.invalid(path, said, approval.message);
  }
}

bool is_established(const v1::CustomResourceDefinition& definition) {
  return std::any_of(definition.status.conditions.begin(), definition.status.conditions.end(),
                     [](const auto& c) { return c.type == "Established" && c.status == "True"; });
}

void record_stored_version(v1::CustomResourceDefinition& definition) {
  for (const auto& version : definition.spec.versions) {
    if (!version.storage) continue;
    auto& stored = definition.status.stored_versions;
    if (std::find(stored.begin(), stored.end(), version.name) == stored.end()) stored.push_back(version.name);
    return;
  }
}

class DefinitionStrategy : public registry::TypedStrategy<v1::CustomResourceDefinition> {
 public:
  explicit DefinitionStrategy(const apimachinery::cel::TimeZones* zones) : zones_(zones) {}
  void set_defaults(v1::CustomResourceDefinition& definition) const override {
    auto& names = definition.spec.names;
    if (names.singular.empty()) {
      names.singular = names.kind;
      for (char& c : names.singular) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
    }
    if (names.list_kind.empty() && !names.kind.empty()) names.list_kind = names.kind + "List";
    if (!definition.spec.conversion) definition.spec.conversion.emplace().strategy = "None";
    if (definition.status.stored_versions.empty()) record_stored_version(definition);
  }
  void prepare_for_create(const RequestScope&, v1::CustomResourceDefinition& definition) const override {
    definition.status = {};
    record_stored_version(definition);
  }
  void prepare_for_update(const RequestScope&, v1::CustomResourceDefinition& definition, const v1::CustomResourceDefinition& old) const override {
    definition.status = old.status;
    record_stored_version(definition);
  }
  void validate(const RequestScope&, const v1::CustomResourceDefinition& definition, FieldErrors& errors) const override {
    validate_name(definition, errors);
    validate_spec(definition.spec, {.zones = zones_}, errors);
    validate_names(definition.status.accepted_names, FieldPath("status", "acceptedNames"), errors);
    validate_stored_versions(definition, errors);
    validate_approval(definition, errors);
    if (definition.spec.preserve_unknown_fields)
      errors.invalid(FieldPath("spec", "preserveUnknownFields"), true, "cannot be true: say x-kubernetes-preserve-unknown-fields in the schema");
  }
  bool validate_update_includes_validate() const override { return false; }
  void validate_update(const RequestScope&, const v1::CustomResourceDefinition& definition, const v1::CustomResourceDefinition& old,
                       FieldErrors& errors) const override {
    const FieldPath path("spec");
    const auto keep = [&](const std::string& now, const std::string& before, const FieldPath& at) {
      if (now != before) errors.invalid(at, now, "field is immutable");
    };
    validate_spec(definition.spec, {.old = &old.spec, .zones = zones_}, errors);
    if (is_established(old)) {
      keep(definition.spec.scope, old.spec.scope, path.child("scope"));
      keep(definition.spec.names.kind, old.spec.names.kind, path.child("names", "kind"));
    }
    keep(definition.spec.group, old.spec.group, path.child("group"));
    keep(definition.spec.names.plural, old.spec.names.plural, path.child("names", "plural"));
    validate_names(definition.status.accepted_names, FieldPath("status", "acceptedNames"), errors);
    validate_stored_versions(definition, errors);
    if (definition.spec.preserve_unknown_fields && !old.spec.preserve_unknown_fields)
      errors.invalid(path.child("preserveUnknownFields"), true, "cannot be true: say x-kubernetes-preserve-unknown-fields in the schema");
  }
  // Its objects go first: whoever clears them away says so.
  bool may_remove(const v1::CustomResourceDefinition& definition) const override {
    return rules::condition_is(definition.status.conditions, "Terminating", "False");
  }
  void mark_deleted(const RequestScope& scope, v1::CustomResourceDefinition& definition) const override {
    constexpr std::string_view finalizer = "customresourcecleanup.apiextensions.k8s.io";
    auto& finalizers = definition.metadata.finalizers;
    if (std::ranges::find(finalizers, finalizer) == finalizers.end()) finalizers.emplace_back(finalizer);
    v1::CustomResourceDefinitionCondition condition;
    condition.type = "Terminating";
    condition.status = "True";
    condition.reason = "InstanceDeletionPending";
    condition.message = "CustomResourceDefinition marked for deletion; CustomResource deletion will begin soon";
    condition.last_transition_time = apimachinery::to_api_time(scope.now);
    rules::set_condition(definition.status.conditions, std::move(condition));
  }
  void table_cells(const v1::CustomResourceDefinition& definition, registry::TableCells& cells) const override {
    cells.emplace_back(definition.metadata.name);
    cells.emplace_back(api::format_time(definition.metadata.creation_timestamp));
  }

 private:
  const apimachinery::cel::TimeZones* const zones_;
};

class StatusStrategy : public registry::TypedStrategy<v1::CustomResourceDefinition> {
 public:
  void prepare_for_update(const RequestScope&, v1::CustomResourceDefinition& definition, const v1::CustomResourceDefinition& old) const override {
    definition.spec = old.spec;
    auto managed = std::move(definition.metadata.managed_fields);
    auto version = std::move(definition.metadata.resource_version);
    definition.metadata = old.metadata;
    definition.metadata.managed_fields = std::move(managed);
    definition.metadata.resource_version = std::move(version);
  }
  bool validate_update_includes_validate() const override { return false; }
  void validate_update(const RequestScope&, const v1::CustomResourceDefinition& definition, const v1::CustomResourceDefinition&,
                       FieldErrors& errors) const override {
    validate_names(definition.status.accepted_names, FieldPath("status", "acceptedNames"), errors);
  }
};

}  // namespace

Shared shared_parts(const v1::CustomResourceDefinitionSpec& spec) {
  using Version = v1::CustomResourceDefinitionVersion;
  Shared shared;
  shared.schema = all_agree(spec, &Version::schema);
  shared.subresources = all_agree(spec, &Version::subresources);
  shared.columns = all_agree(spec, &Version::additional_printer_columns);
  shared.selectable_fields = all_agree(spec, &Version::selectable_fields);
  return shared;
}

}  // namespace apiextensions

void add_apiextensions(const Deps& deps, Definitions& out) {
  registry::ResourceDefinition definitions;
  definitions.resource = {"apiextensions.k8s.io", "customresourcedefinitions"};
  definitions.key_prefix = "apiextensions.k8s.io/customresourcedefinitions";
  definitions.strategy = std::make_shared<apiextensions::DefinitionStrategy>(deps.zones);
  definitions.has_status = true;
  definitions.has_generation = true;
  definitions.name_rule = registry::NameRule::Any;
  definitions.allow_unconditional_update = false;
  definitions.deletion_by_finalizer = true;
  definitions.reset_fields = {"status"};
  definitions.parts = {{.name = "status", .strategy = std::make_shared<apiextensions::StatusStrategy>(), .reset_fields = {"spec", "metadata"}}};
  out.push_back(std::move(definitions));
}

}  // namespace pintle::apiserver::resources

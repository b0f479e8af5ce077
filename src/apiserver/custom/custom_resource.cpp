#include "apiserver/custom/custom_resource.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>

#include "api/custom_object.h"
#include "apimachinery/discovery/version_order.h"
#include "apimachinery/schema/scale.h"
#include "apimachinery/schema/validate.h"
#include "apiserver/custom/shape.h"
#include "apiserver/published/published_kind.h"
#include "codec/base64.h"
#include "component/certificate/keys.h"
#include "rules/conditions.h"

namespace pintle::apiserver::custom {
namespace {

namespace cel = apimachinery::cel;
namespace schema = apimachinery::schema;
using api::CustomObject;
using api::GroupVersionKind;

// Everything that bindings and definition view.
struct Owner {
  Definition definition;
  const cel::TimeZones* zones = nullptr;
  std::deque<std::shared_ptr<const Shape>> shapes;
  std::deque<std::optional<schema::ScalePaths>> scales;  // as many
  std::deque<apimachinery::RuntimeGroupVersion> served;
  std::deque<api::KindInfo> kinds;
  std::deque<registry::ServedVersion> conversions;
  std::deque<std::string> texts;
  std::string_view keep(std::string text) { return texts.emplace_back(std::move(text)); }
};

// Expressions are for objects whose form is right.
void apply_rules(const Shape& shape, const codec::Value& object, const codec::Value* old, const cel::TimeZones* zones, FieldErrors& errors) {
  if (shape.rules().empty()) return;
  if (schema::blocks_expressions(errors)) return schema::report_skipped_expressions(errors);
  shape.judge(object, old, zones, errors);
}

void judge(const Shape& shape, const std::optional<schema::ScalePaths>& scale, const codec::Value& object, const codec::Value* old,
           const cel::TimeZones* zones, FieldErrors& errors) {
  FieldErrors found;
  if (old)
    schema::validate_object_update(shape.root(), object, *old, found);
  else
    schema::validate_object(shape.root(), object, found);
  if (scale) scale->validate_spec(object, found);
  if (scale) scale->validate_status(object, found);
  apply_rules(shape, object, old, zones, found);
  errors.append(std::move(found));
}

class CustomStrategy final : public registry::Strategy {
 public:
  // `owner` lives as long as the resource does, which holds both.
  explicit CustomStrategy(const Owner& owner) : owner_(owner) {}

  void validate(const RequestScope& scope, const api::Object& object, FieldErrors& errors) const override {
    const Seen seen = seen_in(scope.version);
    judge(*seen.shape, *seen.scale, document_of(object, seen.kind->gvk), nullptr, owner_.zones, errors);
  }
  void validate_update(const RequestScope& scope, const api::Object& object, const api::Object& old, FieldErrors& errors) const override {
    const Seen seen = seen_in(scope.version);
    const codec::Value before = document_of(old, seen.kind->gvk);
    judge(*seen.shape, *seen.scale, document_of(object, seen.kind->gvk), &before, owner_.zones, errors);
  }
  bool validate_update_includes_validate() const override { return false; }

 private:
  struct Seen {
    const Shape* shape;
    const std::optional<schema::ScalePaths>* scale;
    const api::KindInfo* kind;
  };
  Seen seen_at(std::size_t i) const { return {owner_.shapes[i].get(), &owner_.scales[i], &owner_.kinds[i]}; }
  // As the version that was asked in has it; the server's own writes are of the storage version.
  Seen seen_in(std::string_view version) const {
    for (std::size_t i = 0; i < owner_.kinds.size(); ++i)
      if (owner_.kinds[i].gvk.version == version) return seen_at(i);
    for (std::size_t i = 0; i < owner_.kinds.size(); ++i)
      if (owner_.definition.spec.versions[i].storage) return seen_at(i);
    return seen_at(0);
  }

  const Owner& owner_;
};

class CustomStatusStrategy final : public registry::Strategy {
 public:
  explicit CustomStatusStrategy(const Owner& owner) : owner_(owner) {}
  void prepare_for_update(const RequestScope&, api::Object& object, const api::Object& old) const override {
    // Only status, and of metadata only the managed fields.
    auto& custom = object.as<CustomObject>();
    const auto& before = old.as<CustomObject>();
    codec::Value members = before.rest.members;
    if (const codec::Value* status = custom.rest.members.find("status"))
      members["status"] = *status;
    else if (members.is_object())
      members.as_object().erase("status");
    custom.rest.members = std::move(members);
    auto managed = std::move(custom.metadata.managed_fields);
    auto version = std::move(custom.metadata.resource_version);
    custom.metadata = before.metadata;
    custom.metadata.managed_fields = std::move(managed);
    custom.metadata.resource_version = std::move(version);
  }
  void validate_update(const RequestScope& scope, const api::Object& object, const api::Object& old, FieldErrors& errors) const override {
    for (std::size_t i = 0; i < owner_.kinds.size(); ++i) {
      if (owner_.kinds[i].gvk.version != scope.version) continue;
      const GroupVersionKind& kind = owner_.kinds[i].gvk;
      const codec::Value now = document_of(object, kind), before = document_of(old, kind);
      FieldErrors found;
      schema::validate_status_update(owner_.shapes[i]->root(), now, before, found);
      if (owner_.scales[i]) owner_.scales[i]->validate_status(now, found);
      apply_rules(*owner_.shapes[i], now, &before, owner_.zones, found);
      errors.append(std::move(found));
    }
  }

 private:
  const Owner& owner_;
};

int32_t as_replicas(int64_t count) { return static_cast<int32_t>(std::clamp<int64_t>(count, INT32_MIN, INT32_MAX)); }

class CustomScaleFields final : public registry::ScaleFields {
 public:
  explicit CustomScaleFields(schema::ScalePaths paths) : paths_(std::move(paths)) {}
  Result<registry::Replicas> read(const api::Object& object) const override {
    const codec::Value& members = object.as<CustomObject>().rest.members;
    TRY_ASSIGN(const auto wanted, as_internal(paths_.read_spec_replicas(members)));
    TRY_ASSIGN(const auto present, as_internal(paths_.read_status_replicas(members)));
    registry::Replicas out;
    if (wanted) out.wanted = as_replicas(*wanted);
    out.present = as_replicas(present.value_or(0));
    TRY_ASSIGN(out.selector, as_internal(paths_.read_selector(members)));
    return out;
  }
  Result<Unit> write(api::Object& object, int32_t wanted) const override {
    return as_internal(paths_.spec_replicas().set(object.as<CustomObject>().rest.members, codec::Value(int64_t{wanted})));
  }

 private:
  // What is stored is not as its definition says: nothing that the client has sent is wrong.
  template <class T>
  static Result<T> as_internal(Result<T> result) {
    if (!result) return internal(result.error().message);
    return result;
  }

  schema::ScalePaths paths_;
};

using Version = api::apiextensions_v1::CustomResourceDefinitionVersion;

// What OpenAPI tells of a version. The uid and the generation stand for the schema.
std::shared_ptr<const published::PublishedKind> published_kind(const Definition& definition, const Version& version, const Shape& shape) {
  const auto& names = definition.status.accepted_names;
  published::KindFacts facts;
  facts.group = definition.spec.group;
  facts.version = version.name;
  facts.kind = names.kind;
  facts.list_kind = names.list_kind;
  facts.plural = names.plural;
  for (const auto& field : version.selectable_fields) facts.selectable_fields.push_back(field.json_path);
  facts.preserve_unknown_fields = definition.spec.preserve_unknown_fields;
  facts.namespaced = definition.spec.scope == "Namespaced";
  facts.status = version.subresources && version.subresources->status;
  facts.scale = version.subresources && version.subresources->scale;
  facts.source = definition.metadata.uid + "/" + std::to_string(definition.metadata.generation);
  const bool given = version.schema && version.schema->open_apiv_3_schema;
  const bool structural = given && !rules::condition_is(definition.status.conditions, "NonStructuralSchema", "True");
  return std::make_shared<const published::PublishedKind>(std::move(facts), structural ? shape.shared_root() : nullptr);
}

// In upstream's words; empty for a version that is not deprecated.
std::string deprecation_of(const Definition& definition, const Version& version) {
  if (!version.deprecated) return "";
  if (version.deprecation_warning) return *version.deprecation_warning;
  const std::string& kind = definition.status.accepted_names.kind;
  std::string out = definition.spec.group + "/" + version.name + " " + kind + " is deprecated";
  const Version* better = nullptr;
  for (const Version& other : definition.spec.versions) {
    if (!other.served || other.deprecated || !apimachinery::version_precedes(other.name, version.name)) continue;
    if (better == nullptr || apimachinery::version_precedes(other.name, better->name)) better = &other;
  }
  if (better != nullptr) out += "; use " + definition.spec.group + "/" + better->name + " " + kind;
  return out;
}

std::string storage_version_hash(const Definition& definition) {
  const auto storage = std::ranges::find_if(definition.spec.versions, [](const Version& version) { return version.storage; });
  if (storage == definition.spec.versions.end()) return "";
  return codec::base64(component::sha256(definition.spec.group + "/" + storage->name + "/" + definition.spec.names.kind).substr(0, 8));
}

apimachinery::RuntimeResource described(const Definition& definition, const Version& version) {
  const auto& names = definition.status.accepted_names;
  apimachinery::RuntimeResource out;
  out.name = names.plural;
  out.singular = names.singular;
  out.kind = names.kind;
  out.namespaced = definition.spec.scope == "Namespaced";
  out.short_names = names.short_names;
  out.categories = names.categories;
  out.storage_version_hash = storage_version_hash(definition);
  if (version.subresources && version.subresources->status) out.subresources.push_back({"status", names.kind, apimachinery::status_verbs, "", ""});
  if (version.subresources && version.subresources->scale)
    out.subresources.push_back({"scale", "Scale", apimachinery::status_verbs, "autoscaling", "v1"});
  return out;
}

}  // namespace

Result<CustomResource> make_resource(const Definition& definition, const ConversionDeps& deps) {
  auto owner = std::make_shared<Owner>();
  owner->definition = definition;
  owner->zones = deps.zones;
  const Definition& kept = owner->definition;
  const auto& names = kept.status.accepted_names;
  CustomResource out;
  std::vector<registry::VersionBinding> bindings;
  std::size_t storage = 0;
  bool has_status = false;
  for (const auto& version : kept.spec.versions) {
    TRY_ASSIGN(auto shape, Shape::make(version, kept.spec.preserve_unknown_fields));
    owner->shapes.push_back(std::move(shape));
    auto& scale = owner->scales.emplace_back();
    if (version.subresources && version.subresources->scale) scale.emplace(*version.subresources->scale);
    apimachinery::RuntimeResource told = described(kept, version);
    told.published = published_kind(kept, version, *owner->shapes.back());
    const auto resource = std::make_shared<const apimachinery::RuntimeResource>(std::move(told));
    has_status = has_status || (version.subresources && version.subresources->status);
    const auto& served =
        owner->served.emplace_back(kept.spec.group, version.name, std::vector<std::shared_ptr<const apimachinery::RuntimeResource>>{resource})
            .served();
    const std::string api_version = kept.spec.group + "/" + version.name;
    api::KindInfo kind{{kept.spec.group, version.name, names.kind}, &api::type_of<CustomObject>(), offsetof(CustomObject, metadata), false};
    registry::VersionBinding& binding = bindings.emplace_back();
    binding.served = &served.resources.front();
    binding.kind = &owner->kinds.emplace_back(kind);
    binding.conversion = &owner->conversions.emplace_back(registry::ServedVersion{.group = kept.spec.group, .version = version.name});
    binding.shape = owner->shapes.back().get();
    binding.api_version = api_version;
    binding.is_storage = true;  // the same members in every version: what differs is what stands before them
    binding.json_head = Bytes("{\"apiVersion\":\"" + api_version + "\",\"kind\":\"" + names.kind + "\",");
    binding.list_json_head = "{\"apiVersion\":\"" + api_version + "\",\"kind\":\"" + names.list_kind + "\",\"metadata\":";
    binding.deprecation = deprecation_of(kept, version);
    if (version.storage) storage = bindings.size() - 1;
    if (version.served) out.described.push_back({version.name, resource});
  }
  // Lists have kinds of their own in answers; they are told by text alone.
  for (std::size_t i = 0; i < bindings.size(); ++i) bindings[i].list_kind = bindings[i].kind;

  registry::ResourceDefinition made;
  made.resource = {kept.spec.group, names.plural};
  made.storage_version = kept.spec.versions[storage].name;
  made.key_prefix = owner->keep(kept.spec.group + "/" + names.plural);
  made.strategy = std::make_shared<CustomStrategy>(*owner);
  made.has_status = has_status;
  made.has_generation = true;
  made.allow_unconditional_update = false;
  made.return_deleted_object = false;
  if (has_status)
    made.parts.push_back({.name = "status", .strategy = std::make_shared<CustomStatusStrategy>(*owner), .reset_fields = {"spec", "metadata"}});
  for (std::size_t i = 0; i < owner->scales.size(); ++i)
    if (owner->scales[i]) made.scale.push_back({owner->kinds[i].gvk.version, std::make_shared<CustomScaleFields>(*owner->scales[i])});
  made.converter = make_converter(kept, deps);
  out.resource = std::make_shared<const registry::Resource>(std::move(made), std::move(bindings), storage, owner);
  return out;
}

}  // namespace pintle::apiserver::custom

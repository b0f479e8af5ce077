// Structural schemas: every field is declared outside of allOf, anyOf, oneOf and not, which may only restrict it.
#include <algorithm>

#include <re2/re2.h>

#include "api/codec.h"
#include "apimachinery/schema/structural_rules.h"

namespace pintle::apimachinery::schema {
namespace {

namespace v1 = api::apiextensions_v1;

// Of all patterns of a definition, in instructions of their compiled form, some 50 ns each; then the definition is refused. One that is
// too large to compile counts for what it took to find that out.
constexpr std::size_t pattern_steps_max = 1'000'000;
constexpr std::size_t large_pattern_steps = 400'000;

enum class Level : uint8_t { Root, Item, Field };
using Schema = v1::JSONSchemaProps;

bool keeps_unknown(const Schema& schema) { return schema.x_kubernetes_preserve_unknown_fields.value_or(false); }
const Schema* items_of(const Schema& schema) { return schema.items ? schema.items->schema.get() : nullptr; }
const Schema* additional_of(const Schema& schema) { return schema.additional_properties ? schema.additional_properties->schema.get() : nullptr; }

bool is_only(const Schema& schema, std::string_view type) {
  Schema only;
  only.type = type;
  return api::equal(api::type_of<Schema>(), &schema, &only);
}
// anyOf: [{type: integer}, {type: string}]
bool is_int_or_string(const std::vector<Schema>& any_of) {
  return any_of.size() == 2 && is_only(any_of[0], "integer") && is_only(any_of[1], "string");
}

// Says nothing but the type, and perhaps a default, of metadata, and something of its name and generateName.
bool restricts_names_only(const Schema& metadata) {
  Schema rest = metadata;
  rest.type.clear();
  rest.default_.reset();
  rest.properties.erase("name");
  rest.properties.erase("generateName");
  const Schema nothing;
  return api::equal(api::type_of<Schema>(), &rest, &nothing);
}

class Structural {
 public:
  explicit Structural(FieldErrors& errors) : errors_(errors) {}

  void visit(const Schema& schema, Level level, const FieldPath& path) {
    if (schema.type == "array" && !schema.items) errors_.required(path.child("items"), "must be given");
    if (const Schema* items = items_of(schema)) visit(*items, Level::Item, path.child("items"));
    for (const auto& [name, property] : schema.properties) visit(property, Level::Field, path.child("properties").key(name));
    if (schema.additional_properties && level == Level::Root) errors_.forbidden(path.child("additionalProperties"), "must not be used at the root");
    if (const Schema* additional = additional_of(schema)) visit(*additional, Level::Field, path.child("additionalProperties"));
    visit_extensions(schema, path);
    const bool skip_any = is_int_or_string(schema.any_of);
    const bool skip_first = !schema.all_of.empty() && is_int_or_string(schema.all_of[0].any_of);
    visit_validations(schema, skip_any, skip_first, path);
    visit_type(schema, level, path);
    visit_metadata(schema, level, path);
    if (level == Level::Root) visit_completeness(schema, schema, path, path);
  }

 private:
  void visit_extensions(const Schema& schema, const FieldPath& path) {
    if (!schema.x_kubernetes_int_or_string) return;
    if (keeps_unknown(schema))
      errors_.invalid(path.child("x-kubernetes-preserve-unknown-fields"), true, "must be false with x-kubernetes-int-or-string");
    if (schema.x_kubernetes_embedded_resource)
      errors_.invalid(path.child("x-kubernetes-embedded-resource"), true, "must be false with x-kubernetes-int-or-string");
  }

  void visit_type(const Schema& schema, Level level, const FieldPath& path) {
    const FieldPath at = path.child("type");
    if (schema.x_kubernetes_embedded_resource && schema.type != "object") {
      if (schema.type.empty()) {
        errors_.required(at, "must be object with x-kubernetes-embedded-resource");
      } else {
        errors_.invalid(at, schema.type, "must be object with x-kubernetes-embedded-resource");
      }
    } else if (schema.type.empty() && !schema.x_kubernetes_int_or_string && !keeps_unknown(schema)) {
      errors_.required(at, level == Level::Root   ? "must not be empty at the root"
                           : level == Level::Item ? "must not be empty for the items of a list"
                                                  : "must not be empty for a field");
    }
    if (schema.x_kubernetes_embedded_resource && schema.additional_properties)
      errors_.forbidden(path.child("additionalProperties"), "must not be used with x-kubernetes-embedded-resource");
    if (level == Level::Root && !schema.type.empty() && schema.type != "object") errors_.invalid(at, schema.type, "must be object at the root");
  }

  void visit_metadata(const Schema& schema, Level level, const FieldPath& path) {
    const bool is_object = level == Level::Root || schema.x_kubernetes_embedded_resource;
    for (const std::string_view name : {"kind", "apiVersion"}) {
      const auto found = schema.properties.find(name);
      if (found != schema.properties.end() && is_object && found->second.type != "string")
        errors_.invalid(path.child("properties").key(name).child("type"), found->second.type, "must be string");
    }
    if (const auto metadata = schema.properties.find("metadata"); metadata != schema.properties.end()) {
      const FieldPath at = path.child("properties").key("metadata");
      if (is_object && metadata->second.type != "object") errors_.invalid(at.child("type"), metadata->second.type, "must be object");
      if (level == Level::Root && !restricts_names_only(metadata->second)) errors_.forbidden(at, "may restrict name and generateName only");
    }
    if (schema.x_kubernetes_embedded_resource && !keeps_unknown(schema) && schema.properties.empty())
      errors_.required(path.child("properties"),
                       "must not be empty with x-kubernetes-embedded-resource and without x-kubernetes-preserve-unknown-fields");
  }

  void visit_validations(const Schema& schema, bool skip_any, bool skip_first_all, const FieldPath& path) {
    if (!skip_any)
      for (std::size_t i = 0; i < schema.any_of.size(); ++i) visit_nested(schema.any_of[i], false, path.child("anyOf").index(i));
    for (std::size_t i = 0; i < schema.all_of.size(); ++i) visit_nested(schema.all_of[i], skip_first_all && i == 0, path.child("allOf").index(i));
    for (std::size_t i = 0; i < schema.one_of.size(); ++i) visit_nested(schema.one_of[i], false, path.child("oneOf").index(i));
    if (schema.not_) visit_nested(*schema.not_, false, path.child("not"));
    if (!schema.pattern.empty()) visit_pattern(schema.pattern, path.child("pattern"));
  }

  void visit_pattern(const std::string& pattern, const FieldPath& path) {
    if (pattern_steps_ > pattern_steps_max) {
      errors_.invalid(path, pattern, "the patterns of the definition take too long to compile");
      return;
    }
    const re2::RE2 compiled(pattern, re2::RE2::Quiet);
    const bool large = compiled.error_code() == re2::RE2::ErrorPatternTooLarge;
    pattern_steps_ += pattern.size() + (compiled.ok() ? static_cast<std::size_t>(compiled.ProgramSize()) : large ? large_pattern_steps : 0);
    if (!compiled.ok()) errors_.invalid(path, pattern, "must be a regular expression");
  }

  void visit_nested(const Schema& schema, bool skip_any, const FieldPath& path) {
    visit_validations(schema, skip_any, false, path);
    if (const Schema* items = items_of(schema)) visit_nested(*items, false, path.child("items"));
    for (const auto& [name, property] : schema.properties) visit_nested(property, false, path.child("properties").key(name));
    const auto forbid = [&](bool given, std::string_view field) {
      if (given) errors_.forbidden(path.child(field), "must be left out for the schema to be structural");
    };
    forbid(!schema.type.empty(), "type");
    forbid(schema.additional_properties.has_value(), "additionalProperties");
    forbid(schema.default_.has_value(), "default");
    forbid(!schema.title.empty(), "title");
    forbid(!schema.description.empty(), "description");
    forbid(schema.nullable, "nullable");
    forbid(keeps_unknown(schema), "x-kubernetes-preserve-unknown-fields");
    forbid(schema.x_kubernetes_embedded_resource, "x-kubernetes-embedded-resource");
    forbid(schema.x_kubernetes_int_or_string, "x-kubernetes-int-or-string");
    forbid(!schema.x_kubernetes_list_map_keys.empty(), "x-kubernetes-list-map-keys");
    forbid(schema.x_kubernetes_list_type.has_value(), "x-kubernetes-list-type");
    forbid(schema.x_kubernetes_map_type.has_value(), "x-kubernetes-map-type");
    forbid(!schema.x_kubernetes_validations.empty(), "x-kubernetes-validations");
    if (schema.properties.contains("metadata")) errors_.forbidden(path.child("properties").key("metadata"), "must not be given in a nested context");
  }

  // Whatever `nested` restricts, `outer` declares. Upstream asks this of the alternatives of the root only.
  void visit_completeness(const Schema& nested, const Schema& outer, const FieldPath& outer_path, const FieldPath& nested_path) {
    const auto each = [&](const std::vector<Schema>& list) {
      for (const Schema& schema : list) visit_nested_completeness(schema, &outer, outer_path, nested_path);
    };
    if (nested.not_) visit_nested_completeness(*nested.not_, &outer, outer_path, nested_path);
    each(nested.all_of);
    each(nested.any_of);
    each(nested.one_of);
  }
  void visit_nested_completeness(const Schema& nested, const Schema* outer, const FieldPath& outer_path, const FieldPath& nested_path) {
    if (outer == nullptr) {
      errors_.required(outer_path, "is restricted in " + nested_path.to_string());
      return;
    }
    visit_completeness(nested, *outer, outer_path, nested_path);
    if (const Schema* items = items_of(nested)) visit_nested_completeness(*items, items_of(*outer), outer_path.child("items"), nested_path);
    for (const auto& [name, property] : nested.properties) {
      const auto found = outer->properties.find(name);
      visit_nested_completeness(property, found == outer->properties.end() ? nullptr : &found->second, outer_path.child("properties").key(name),
                                nested_path);
    }
  }

  FieldErrors& errors_;
  std::size_t pattern_steps_ = 0;
};

}  // namespace

bool validate_structural(const v1::JSONSchemaProps& schema, const FieldPath& path, FieldErrors& errors) {
  const std::size_t before = errors.size();
  Structural(errors).visit(schema, Level::Root, path);
  return errors.size() == before;
}

}  // namespace pintle::apimachinery::schema

// The rules of OpenAPI for schemas of definitions, as far as it goes here, and the texts of expressions.
#include <algorithm>
#include <array>
#include <set>

#include "apimachinery/schema/default_rules.h"
#include "apimachinery/schema/rule_checks.h"
#include "apimachinery/schema/structural_rules.h"
#include "base/strings.h"

namespace pintle::apimachinery::schema {
namespace {

namespace v1 = api::apiextensions_v1;

using Schema = v1::JSONSchemaProps;
constexpr std::array<std::string_view, 6> types{"array", "boolean", "integer", "number", "object", "string"};

struct Standing {
  bool is_root = false;
  bool inside_metadata = false;
  bool defaults_allowed = true;
  const Node* node = nullptr;  // what it was compiled into; nullptr: its rules are not looked at
  RuleChecks::Occurrences occurrences = 1;
  const FieldPath* uncorrelated = nullptr;  // RuleChecks::Place
};

class OpenApiRules {
 public:
  OpenApiRules(bool costs_count, FieldErrors& errors) : rules_(costs_count), errors_(errors) {}
  FieldErrors expression_errors;  // these come last

  void finish(const FieldPath& path, FieldErrors& errors) { rules_.finish(path, errors); }

  void visit(const Schema& schema, const FieldPath& path, const Standing& standing) {
    const std::size_t before = errors_.size();
    visit_forbidden(schema, path, standing);
    visit_additional(schema, path, standing);
    visit_properties(schema, path, standing);
    visit_junctors(schema, path, standing);
    if (schema.items) {
      Standing item = below(standing, standing.node ? standing.node->items : nullptr);
      if (schema.x_kubernetes_list_type.value_or("atomic") != "map") item.uncorrelated = &path;
      if (schema.items->schema) visit(*schema.items->schema, path.child("items"), item);
      for (std::size_t i = 0; i < schema.items->json_schemas.size(); ++i)
        visit(schema.items->json_schemas[i], path.child("items").index(i), below(standing, nullptr));
    }
    if (schema.x_kubernetes_preserve_unknown_fields && !*schema.x_kubernetes_preserve_unknown_fields)
      errors_.invalid(path.child("x-kubernetes-preserve-unknown-fields"), false, "must be true or left out");
    visit_map_type(schema, path);
    visit_list_type(schema, path);
    visit_list_map(schema, path);
    for (std::size_t i = 0; i < schema.x_kubernetes_validations.size(); ++i)
      check_rule_text(schema.x_kubernetes_validations[i], standing.node, path.child("x-kubernetes-validations").index(i), errors_);
    // Where the schema is not right, what its rules are about is not known.
    if (schema.x_kubernetes_validations.empty() || standing.node == nullptr || errors_.size() != before) return;
    rules_.check(schema.x_kubernetes_validations, {*standing.node, standing.is_root, standing.occurrences, standing.uncorrelated}, path,
                 expression_errors);
  }

 private:
  static Standing below(Standing standing, const Node* node) {
    standing.is_root = false;
    if (node != nullptr) standing.occurrences = RuleChecks::inside(*standing.node, standing.occurrences);
    standing.node = node;
    return standing;
  }

  void visit_forbidden(const Schema& schema, const FieldPath& path, const Standing& standing) {
    if (!schema.type.empty() && !contains(types, schema.type)) errors_.not_supported(path.child("type"), schema.type, types);
    const auto forbid = [&](bool given, std::string_view field, std::string_view why) {
      if (given) errors_.forbidden(path.child(field), why);
    };
    forbid(schema.default_ && !standing.defaults_allowed, "default", "must not be given here");
    forbid(!schema.id.empty(), "id", "is not supported");
    forbid(schema.additional_items.has_value(), "additionalItems", "is not supported");
    forbid(!schema.pattern_properties.empty(), "patternProperties", "is not supported");
    forbid(!schema.definitions.empty(), "definitions", "is not supported");
    forbid(!schema.dependencies.empty(), "dependencies", "is not supported");
    forbid(schema.ref.has_value(), "$ref", "is not supported");
    forbid(schema.type == "null", "type", "cannot be null: use nullable");
    forbid(schema.items && !schema.items->json_schemas.empty(), "items", "must be one schema, not a list of them");
    forbid(standing.inside_metadata && schema.x_kubernetes_embedded_resource, "x-kubernetes-embedded-resource",
           "must not be used inside of metadata");
    forbid(schema.unique_items, "uniqueItems", "cannot be true: checking takes time that grows with the square of the list");
  }

  void visit_additional(const Schema& schema, const FieldPath& path, const Standing& standing) {
    if (!schema.additional_properties) return;
    const auto& additional = *schema.additional_properties;
    const FieldPath at = path.child("additionalProperties");
    if (!schema.properties.empty() && (!additional.allows || additional.schema))
      errors_.forbidden(at, "properties and additionalProperties exclude each other");
    Standing inside = below(standing, standing.node ? standing.node->additional : nullptr);
    if (standing.inside_metadata) inside.defaults_allowed = false;
    if (additional.schema) visit(*additional.schema, at, inside);
  }

  void visit_properties(const Schema& schema, const FieldPath& path, const Standing& standing) {
    constexpr std::array<std::string_view, 3> meta{"metadata", "kind", "apiVersion"};
    for (const auto& [name, property] : schema.properties) {
      Standing inside = below(standing, standing.node ? standing.node->property(name) : nullptr);
      if ((standing.is_root || schema.x_kubernetes_embedded_resource) && contains(meta, name)) {
        inside.inside_metadata = true;
        if (standing.is_root) inside.defaults_allowed = false;
      }
      visit(property, path.child("properties").key(name), inside);
    }
  }

  void visit_junctors(const Schema& schema, const FieldPath& path, const Standing& standing) {
    const auto each = [&](const std::vector<Schema>& list, std::string_view field) {
      for (std::size_t i = 0; i < list.size(); ++i) visit(list[i], path.child(field).index(i), below(standing, nullptr));
    };
    if (schema.not_) visit(*schema.not_, path.child("not"), below(standing, nullptr));
    each(schema.all_of, "allOf");
    each(schema.one_of, "oneOf");
    each(schema.any_of, "anyOf");
    for (const auto& [name, definition] : schema.definitions) visit(definition, path.child("definitions").key(name), below(standing, nullptr));
  }

  void want_type(const Schema& schema, std::string_view wanted, const FieldPath& path) {
    if (schema.type.empty()) {
      errors_.required(path.child("type"), "must be " + std::string(wanted) + " here");
    } else {
      errors_.invalid(path.child("type"), schema.type, "must be " + std::string(wanted) + " here");
    }
  }

  void visit_map_type(const Schema& schema, const FieldPath& path) {
    constexpr std::array<std::string_view, 2> kinds{"atomic", "granular"};
    if (!schema.x_kubernetes_map_type) return;
    if (schema.type != "object") want_type(schema, "object", path);
    if (!contains(kinds, *schema.x_kubernetes_map_type))
      errors_.not_supported(path.child("x-kubernetes-map-type"), *schema.x_kubernetes_map_type, kinds);
  }

  void visit_list_type(const Schema& schema, const FieldPath& path) {
    constexpr std::array<std::string_view, 3> kinds{"atomic", "set", "map"};
    const auto& list_type = schema.x_kubernetes_list_type;
    const Schema* items = schema.items ? schema.items->schema.get() : nullptr;
    if (list_type && schema.type != "array") {
      want_type(schema, "array", path);
    } else if (list_type && *list_type == "set" && items != nullptr) {
      if (items->type == "array" && items->x_kubernetes_list_type.value_or("atomic") != "atomic")
        errors_.invalid(path.child("items", "x-kubernetes-list-type"), *items->x_kubernetes_list_type, "must be atomic as an item of a set");
      if (items->type == "object" && items->x_kubernetes_map_type.value_or("granular") != "atomic")
        errors_.invalid(path.child("items", "x-kubernetes-map-type"), items->x_kubernetes_map_type.value_or(""),
                        "must be atomic as an item of a set");
    }
    if (list_type && !contains(kinds, *list_type)) errors_.not_listed(path.child("x-kubernetes-list-type"), *list_type, kinds);
  }

  void visit_list_map(const Schema& schema, const FieldPath& path) {
    const auto& keys = schema.x_kubernetes_list_map_keys;
    const FieldPath list_type = path.child("x-kubernetes-list-type"), list_keys = path.child("x-kubernetes-list-map-keys"),
                    items_path = path.child("items");
    if (!keys.empty() && !schema.x_kubernetes_list_type) errors_.required(list_type, "must be map where there are x-kubernetes-list-map-keys");
    if (!keys.empty() && schema.x_kubernetes_list_type && *schema.x_kubernetes_list_type != "map")
      errors_.invalid(list_type, *schema.x_kubernetes_list_type, "must be map where there are x-kubernetes-list-map-keys");
    const Schema* items = schema.items ? schema.items->schema.get() : nullptr;
    const std::string_view kind = schema.x_kubernetes_list_type ? std::string_view(*schema.x_kubernetes_list_type) : std::string_view();
    if (kind == "map") {
      if (keys.empty()) errors_.required(list_keys, "must not be empty for a map");
      if (!schema.items) errors_.required(items_path, "must be given for a map");
      if (schema.items && items == nullptr) errors_.invalid(items_path, nullptr, "must be one schema for a map");
      if (items != nullptr && items->type != "object") errors_.invalid(items_path.child("type"), items->type, "must be object for a map");
      if (items != nullptr && items->type == "object") visit_map_keys(keys, *items, path);
    }
    if (items == nullptr || (kind != "set" && kind != "map")) return;
    if (items->nullable) errors_.forbidden(items_path.child("nullable"), "must be false for sets and maps");
    if (kind != "map") return;
    const std::set<std::string_view> required(items->required.begin(), items->required.end());
    for (const std::string& key : keys) {
      const auto found = items->properties.find(key);
      if (found == items->properties.end()) continue;
      const FieldPath at = items_path.child("properties").key(key);
      if (!required.contains(key) && !found->second.default_) errors_.required(at.child("default"), "a key of a map is required or has a default");
      if (found->second.nullable) errors_.forbidden(at.child("nullable"), "must be false for a key of a map");
    }
  }

  void visit_map_keys(const std::vector<std::string>& keys, const Schema& items, const FieldPath& path) {
    const FieldPath at = path.child("x-kubernetes-list-map-keys");
    std::set<std::string_view> seen;
    for (const std::string& key : keys) {
      const auto found = items.properties.find(key);
      if (found == items.properties.end()) {
        errors_.invalid(at, key, "must be the name of a property of the items");
      } else if (found->second.type == "array" || found->second.type == "object") {
        errors_.invalid(path.child("items", "properties").key(key).child("type"), items.type, "must be a scalar for a key of a map");
      }
      if (!seen.insert(key).second) errors_.invalid(at, key, "must not be listed twice");
    }
  }

  RuleChecks rules_;
  FieldErrors& errors_;
};

// With a status subresource the root may hold only what stays true when "status" is taken out of it.
bool fits_status(const Schema& schema) {
  return schema.id.empty() && schema.schema.empty() && !schema.ref && !schema.default_ && schema.enum_.empty() && !schema.max_properties &&
         !schema.min_properties && schema.all_of.empty() && schema.one_of.empty() && schema.any_of.empty() && !schema.not_ &&
         !schema.additional_properties && schema.pattern_properties.empty() && schema.dependencies.empty() && !schema.additional_items &&
         schema.definitions.empty() && !schema.nullable && !schema.x_kubernetes_embedded_resource && !schema.x_kubernetes_int_or_string &&
         schema.x_kubernetes_list_map_keys.empty() && !schema.x_kubernetes_list_type && !schema.x_kubernetes_map_type;
}

}  // namespace

void validate_definition_schema(const v1::JSONSchemaProps& schema, const SchemaRules& rules, const FieldPath& path, FieldErrors& errors) {
  if (rules.has_status && !schema.type.empty() && schema.type != "object") {
    errors.invalid(path.child("type"), schema.type, "must be object at the root where there is a status subresource");
  } else if (rules.has_status && !fits_status(schema)) {
    errors.invalid(path, nullptr, "holds at its root what cannot be told apart from its status");
  }
  if (schema.nullable) errors.forbidden(path.child("nullable"), "cannot be true at the root");
  const bool structural = validate_structural(schema, path, errors);
  const std::size_t before_defaults = errors.size();
  std::shared_ptr<const StructuralSchema> compiled;
  Result<Unit> compiles = Unit{};
  if (structural) {
    auto made = StructuralSchema::compile(schema);
    if (made)
      compiled = std::move(*made);
    else
      compiles = Unexpected(made.error());
  }
  if (compiled) validate_defaults(schema, compiled->root(), rules.zones, path, errors);
  const bool defaults_fit = errors.size() == before_defaults;
  const std::size_t before = errors.size();
  OpenApiRules open_api(!rules.unchanged, errors);
  open_api.visit(schema, path, {.is_root = true, .node = compiled && defaults_fit ? &compiled->root() : nullptr});
  // What keeps a schema from being compiled, its size aside, the rules of OpenAPI tell of already.
  if (!compiles && errors.size() == before) errors.invalid(path, "", compiles.error().message);
  errors.append(std::move(open_api.expression_errors));
  open_api.finish(path, errors);
}

}  // namespace pintle::apimachinery::schema

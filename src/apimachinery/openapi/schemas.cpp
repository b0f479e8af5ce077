#include "apimachinery/openapi/schemas.h"

#include <algorithm>
#include <map>
#include <string>

#include "codec/json.h"

namespace pintle::apimachinery::openapi {
namespace {

using api::Kind;
using codec::Value;

Value typed(std::string_view type, std::string_view format = {}) {
  Value schema;
  schema["type"] = type;
  if (!format.empty()) schema["format"] = format;
  return schema;
}

Value one_of(std::string_view a, std::string_view b) {
  Value schema;
  schema["oneOf"] = Value::Array{typed(a), typed(b)};
  return schema;
}

// The name under which a type is defined on its own; "" for those written in place.
std::string_view defined_name(const api::Type& type) {
  switch (type.kind) {
    case Kind::Struct:
    case Kind::Union:
    case Kind::Quantity:
    case Kind::IntOrString:
    case Kind::Time:
    case Kind::MicroTime:
    case Kind::Duration:
    case Kind::RawExtension:
    case Kind::FieldsV1:
    case Kind::Json: return type.openapi_name;
    default: return {};
  }
}

Value scalar_schema(const api::Type& type) {
  switch (type.kind) {
    case Kind::Bool: return typed("boolean");
    case Kind::Int32: return typed("integer", "int32");
    case Kind::Int64:
    case Kind::Uint64: return typed("integer", "int64");
    case Kind::Float32: return typed("number", "float");
    case Kind::Float64: return typed("number", "double");
    case Kind::Bytes: return typed("string", "byte");
    default: break;
  }
  Value schema = typed("string");
  if (type.enum_published) {
    std::vector<std::string_view> values(type.enum_values.begin(), type.enum_values.end());
    std::ranges::sort(values);
    Value::Array list;
    for (const std::string_view value : values) list.push_back(value);
    schema["enum"] = std::move(list);
  }
  return schema;
}

// What version 3 shows as the default of a value that is never absent in Go.
Value zero_of(const api::Type& type) {
  switch (type.kind) {
    case Kind::Bool: return false;
    case Kind::Int32:
    case Kind::Int64:
    case Kind::Uint64:
    case Kind::Float32:
    case Kind::Float64: return 0;
    case Kind::String: return "";
    case Kind::Struct: return Value::Object{};
    default: return {};
  }
}

Value schema_of(const api::Type& type, Dialect dialect, bool with_zero);

Value container_schema(const api::Type& type, Dialect dialect) {
  const bool list = type.kind == Kind::List;
  Value schema = typed(list ? "array" : "object");
  schema[list ? "items" : "additionalProperties"] = schema_of(*type.elem, dialect, true);
  return schema;
}

// The schema of a value, in place or by reference. `with_zero`: version 3 states Go's zero value as its default.
Value schema_of(const api::Type& type, Dialect dialect, bool with_zero) {
  if (type.pointer != nullptr) return schema_of(*type.elem, dialect, false);
  const std::string_view name = defined_name(type);
  if (name.empty()) {
    if (type.kind == Kind::List || type.kind == Kind::Map) return container_schema(type, dialect);
    Value schema = scalar_schema(type);
    if (with_zero && dialect == Dialect::V3)
      if (Value zero = zero_of(type); !zero.is_null()) schema["default"] = std::move(zero);
    return schema;
  }
  Value schema;
  schema["$ref"] = reference(dialect, name);
  if (with_zero && dialect == Dialect::V3 && type.kind == Kind::Struct) schema["default"] = Value::Object{};
  return schema;
}

std::string_view strategy_name(api::PatchStrategy strategy) {
  switch (strategy) {
    case api::PatchStrategy::None: return {};
    case api::PatchStrategy::Merge: return "merge";
    case api::PatchStrategy::Replace: return "replace";
    case api::PatchStrategy::MergeRetainKeys: return "merge,retainKeys";
    case api::PatchStrategy::RetainKeys: return "retainKeys";
  }
  return {};
}

void add_list_extensions(const api::Field& field, Value& schema) {
  static constexpr std::string_view list_kinds[] = {"", "atomic", "set", "map"};
  if (field.list_kind != api::ListKind::Unset) schema["x-kubernetes-list-type"] = list_kinds[static_cast<std::size_t>(field.list_kind)];
  if (!field.list_map_keys.empty()) {
    Value::Array keys;
    for (const std::string_view key : field.list_map_keys) keys.push_back(key);
    schema["x-kubernetes-list-map-keys"] = std::move(keys);
  }
  if (field.map_atomic) schema["x-kubernetes-map-type"] = "atomic";
  if (field.map_granular) schema["x-kubernetes-map-type"] = "granular";
  if (!field.patch_merge_key.empty()) schema["x-kubernetes-patch-merge-key"] = field.patch_merge_key;
  if (const auto name = strategy_name(field.patch_strategy); !name.empty()) schema["x-kubernetes-patch-strategy"] = name;
}

// In version 3, siblings of $ref are not read: the reference goes into allOf.
void wrap_reference(Value& schema, Dialect dialect) {
  if (dialect == Dialect::V2 || schema.find("$ref") == nullptr || schema.as_object().size() == 1) return;
  Value inner;
  inner["$ref"] = std::move(*schema.find("$ref"));
  schema.as_object().erase("$ref");
  schema["allOf"] = Value::Array{std::move(inner)};
}

void wrap_references_below(Value& schema, Dialect dialect) {
  for (const char* below : {"items", "additionalProperties"})
    if (Value* inner = schema.find(below); inner && inner->is_object()) {
      wrap_references_below(*inner, dialect);
      wrap_reference(*inner, dialect);
    }
}

Value property_of(const api::Field& field, Dialect dialect) {
  const bool always_there = !field.omit_empty && !field.omit_zero;
  const bool is_struct = field.type->kind == Kind::Struct;
  Value schema = schema_of(*field.type, dialect, is_struct || always_there);
  if (!field.doc.empty()) schema["description"] = field.doc;
  if (dialect == Dialect::V3 && field.default_published)
    if (auto literal = codec::parse_json(field.default_json)) schema["default"] = std::move(*literal);
  add_list_extensions(field, schema);
  wrap_references_below(schema, dialect);
  wrap_reference(schema, dialect);
  return schema;
}

Value kind_entry(const api::GroupVersionKind& kind) {
  Value entry;
  entry["group"] = kind.group;
  entry["version"] = kind.version;
  entry["kind"] = kind.kind;
  return entry;
}

Value struct_definition(const api::Type& type, Dialect dialect) {
  Value schema = typed("object");
  Value::Object properties;
  Value::Array required;
  const api::KindInfo* kind = api::kind_of(type);
  if (kind != nullptr) {
    properties["apiVersion"] = typed("string");
    properties["apiVersion"]["description"] = api_version_doc;
    properties["kind"] = typed("string");
    properties["kind"]["description"] = kind_doc;
    schema[kinds_key] = Value::Array{kind_entry(kind->gvk)};
  }
  for (const api::Field& field : type.fields) {
    properties[field.name] = property_of(field, dialect);
    if (field.openapi_required) required.push_back(field.name);
  }
  if (!properties.empty()) schema["properties"] = std::move(properties);
  if (!required.empty()) schema["required"] = std::move(required);
  if (type.atomic_struct) schema["x-kubernetes-map-type"] = "atomic";
  return schema;
}

Value special_definition(const api::Type& type, Dialect dialect) {
  const bool v3 = dialect == Dialect::V3;
  switch (type.kind) {
    case Kind::Time:
    case Kind::MicroTime: return typed("string", "date-time");
    case Kind::Duration: return typed("string");
    case Kind::RawExtension:
    case Kind::FieldsV1: return typed("object");
    case Kind::Quantity: return v3 ? one_of("string", "number") : typed("string");
    case Kind::IntOrString: {
      Value schema = v3 ? one_of("integer", "string") : typed("string");
      schema["format"] = "int-or-string";
      return schema;
    }
    default: return Value::Object{};  // any JSON
  }
}

std::string_view special_doc(const api::Type& type) {
  switch (type.kind) {
    case Kind::Time: return "A moment, in RFC 3339 with seconds.";
    case Kind::MicroTime: return "A moment, in RFC 3339 with microseconds.";
    case Kind::Duration: return "A length of time, such as 1h2m3s.";
    case Kind::RawExtension: return "Any object.";
    case Kind::FieldsV1: return "A set of fields: a tree whose keys are path elements (f:, k:, v:, i:) and '.' for the place itself.";
    case Kind::Quantity: return "A fixed-point number with an optional suffix: 100m, 1.5, 64Mi, 2e3.";
    case Kind::IntOrString: return "A number or a string.";
    case Kind::Json: return "Any JSON value.";
    default: return {};
  }
}

}  // namespace

std::string reference(Dialect dialect, std::string_view name) {
  return (dialect == Dialect::V2 ? "#/definitions/" : "#/components/schemas/") + std::string(name);
}

void add_kinds(Value& definition, const Value::Array& kinds) {
  const auto key = [](const Value& kind) -> std::string {
    if (!kind.is_object()) return {};
    for (const char* part : {"group", "version", "kind"})
      if (const Value* text = kind.find(part); text == nullptr || !text->is_string()) return {};
    return std::string(kind.string_at("group")) + "/" + std::string(kind.string_at("version")) + "." + std::string(kind.string_at("kind"));
  };
  std::map<std::string, Value> all;
  const Value* there = definition.find(kinds_key);
  if (there != nullptr && !there->is_array()) return;
  if (there != nullptr)
    for (const Value& kind : there->as_array()) all.emplace(key(kind), kind);
  const std::size_t before = all.size();
  for (const Value& kind : kinds)
    if (std::string name = key(kind); !name.empty()) all.emplace(std::move(name), kind);
  if (all.size() == before) return;
  Value::Array out;
  for (auto& [name, kind] : all) out.push_back(std::move(kind));
  definition[kinds_key] = std::move(out);
}

Value definition_of(const api::Type& type, Dialect dialect) {
  Value schema = type.kind == Kind::Struct ? struct_definition(type, dialect) : special_definition(type, dialect);
  const std::string_view doc = type.doc.empty() ? special_doc(type) : type.doc;
  if (!doc.empty()) schema["description"] = doc;
  return schema;
}

void add_reachable(const api::Type& type, TypeSet& types) {
  if (type.elem != nullptr) return add_reachable(*type.elem, types);
  if (defined_name(type).empty() || !types.insert(&type).second || type.kind != Kind::Struct) return;
  for (const api::Field& field : type.fields) add_reachable(*field.type, types);
}

Value patch_definition() {
  Value schema = typed("object");
  schema["description"] = "A patch, in the form that the Content-Type of the request names.";
  return schema;
}

Value version_info_definition(Dialect dialect) {
  Value schema = typed("object");
  schema["description"] = "The version of the server.";
  Value::Array required;
  for (const std::string_view name :
       {"major", "minor", "gitVersion", "gitCommit", "gitTreeState", "buildDate", "goVersion", "compiler", "platform"}) {
    schema["properties"][name] = typed("string");
    if (dialect == Dialect::V3) schema["properties"][name]["default"] = "";
    required.push_back(name);
  }
  for (const std::string_view name : {"emulationMajor", "emulationMinor", "minCompatibilityMajor", "minCompatibilityMinor"})
    schema["properties"][name] = typed("string");
  schema["required"] = std::move(required);
  return schema;
}

}  // namespace pintle::apimachinery::openapi

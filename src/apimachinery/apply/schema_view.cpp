#include "apimachinery/apply/schema_view.h"

#include "api/builtin_types.h"
#include "api/codec.h"
#include "api/object.h"
#include "codec/json.h"

namespace pintle::apimachinery {

const api::Type& pointee(const api::Type& type) {
  const api::Type* at = &type;
  while (at->kind == api::Kind::Optional || at->kind == api::Kind::Box) at = at->elem;
  return *at;
}

Shape shape_of(const api::Type& type, const api::Field* field) {
  switch (type.kind) {
    case api::Kind::Struct: {
      const bool atomic = field && (field->map_atomic || field->map_granular) ? field->map_atomic : type.atomic_struct;
      return atomic ? Shape::Leaf : Shape::Object;
    }
    case api::Kind::Map: return field && field->map_atomic ? Shape::Leaf : Shape::Object;
    case api::Kind::List:
      if (field && field->list_kind == api::ListKind::Map && !field->list_map_keys.empty()) return Shape::KeyedList;
      return field && field->list_kind == api::ListKind::Set ? Shape::SetList : Shape::Leaf;
    default: return Shape::Leaf;
  }
}

namespace {

const api::Type* type_at(SchemaNode node) { return static_cast<const api::Type*>(node.type); }
const api::Field* field_at(SchemaNode node) { return static_cast<const api::Field*>(node.use); }

}  // namespace

codec::Value TypeSchema::empty_object() const {
  const api::Object object(*type_);
  return api::to_value(*type_, object.data());
}

Shape TypeSchema::shape(SchemaNode node) const { return node.type == nullptr ? Shape::Deduced : shape_of(*type_at(node), field_at(node)); }

Holds TypeSchema::holds(SchemaNode node) const {
  if (node.type == nullptr) return Holds::Anything;
  switch (type_at(node)->kind) {
    case api::Kind::Bool: return Holds::Boolean;
    case api::Kind::Int32:
    case api::Kind::Int64:
    case api::Kind::Uint64:
    case api::Kind::Float32:
    case api::Kind::Float64: return Holds::Number;
    case api::Kind::String:
    case api::Kind::Bytes:
    case api::Kind::Duration: return Holds::String;
    case api::Kind::Struct:
    case api::Kind::Map: return Holds::Map;
    case api::Kind::List: return Holds::List;
    default: return Holds::Anything;
  }
}

bool TypeSchema::open(SchemaNode object) const { return object.type == nullptr || type_at(object)->kind != api::Kind::Struct; }

SchemaNode TypeSchema::member(SchemaNode object, std::string_view name, bool& named) const {
  named = false;
  const api::Type* type = type_at(object);
  if (type == nullptr) return {};
  if (type->kind == api::Kind::Map) return {&pointee(*type->elem), nullptr};
  const api::Field* field = type->kind == api::Kind::Struct ? type->find_field(name) : nullptr;
  if (field == nullptr && type->kind_index >= 0 && (name == "apiVersion" || name == "kind")) {  // of every kind, wherever it stands
    named = true;
    return {&api::types::string_type, nullptr};
  }
  if (field == nullptr) return {};
  named = true;
  return {&pointee(*field->type), field};
}

SchemaNode TypeSchema::element(SchemaNode list) const { return {&pointee(*type_at(list)->elem), nullptr}; }

std::span<const std::string_view> TypeSchema::keys(SchemaNode list) const { return field_at(list)->list_map_keys; }

codec::Value TypeSchema::key_default(SchemaNode list, std::string_view key) const {
  const api::Field* field = pointee(*type_at(list)->elem).find_field(key);
  if (field == nullptr || !field->default_published) return {};
  auto value = codec::parse_json(field->default_json);
  return value ? std::move(*value) : codec::Value();
}

}  // namespace pintle::apimachinery

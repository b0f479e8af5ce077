#include "apimachinery/cel/type.h"

#include <algorithm>

namespace pintle::apimachinery::cel {

namespace types {

const Type error{TypeKind::Error, false, "!error!"};
const Type dyn{TypeKind::Dyn, false, "dyn"};
const Type null{TypeKind::Null, false, "null_type"};
const Type boolean{TypeKind::Bool, false, "bool"};
const Type integer{TypeKind::Int, false, "int"};
const Type uinteger{TypeKind::Uint, false, "uint"};
const Type floating{TypeKind::Double, false, "double"};
const Type string{TypeKind::String, false, "string"};
const Type bytes{TypeKind::Bytes, false, "bytes"};
const Type timestamp{TypeKind::Timestamp, false, "google.protobuf.Timestamp"};
const Type duration{TypeKind::Duration, false, "google.protobuf.Duration"};
const Type type{TypeKind::Type, false, "type"};
const Type wrapped_bool{TypeKind::Bool, true, "bool"};
const Type wrapped_int{TypeKind::Int, true, "int"};
const Type wrapped_uint{TypeKind::Uint, true, "uint"};
const Type wrapped_double{TypeKind::Double, true, "double"};
const Type wrapped_string{TypeKind::String, true, "string"};
const Type wrapped_bytes{TypeKind::Bytes, true, "bytes"};
const Type list_dyn{TypeKind::List, false, "list", {&dyn}};
const Type list_string{TypeKind::List, false, "list", {&string}};
const Type map_string_dyn{TypeKind::Map, false, "map", {&string, &dyn}};
// Upstream declares some as structs without fields, others as opaque: costs and nullness differ.
const Type quantity{TypeKind::Struct, false, "kubernetes.Quantity"};
const Type ip{TypeKind::Opaque, false, "net.IP"};
const Type cidr{TypeKind::Opaque, false, "net.CIDR"};
const Type url{TypeKind::Struct, false, "kubernetes.URL"};
const Type semver{TypeKind::Struct, false, "kubernetes.Semver"};
const Type format{TypeKind::Struct, false, "kubernetes.NamedFormat"};
const Type authorizer{TypeKind::Struct, false, "kubernetes.authorization.Authorizer"};
const Type path_check{TypeKind::Struct, false, "kubernetes.authorization.PathCheck"};
const Type group_check{TypeKind::Struct, false, "kubernetes.authorization.GroupCheck"};
const Type resource_check{TypeKind::Struct, false, "kubernetes.authorization.ResourceCheck"};
const Type decision{TypeKind::Struct, false, "kubernetes.authorization.Decision"};

}  // namespace types

void FieldList::add(std::string_view field, TypeRef type, std::string_view stored_name) {
  const auto at = std::lower_bound(order_.begin(), order_.end(), field, [](const Entry* e, std::string_view name) { return e->name < name; });
  if (at != order_.end() && (*at)->name == field) return;
  entries_.push_back({std::string(field), std::string(stored_name), type});
  order_.insert(at, &entries_.back());
}

StructFields::Field FieldList::find(std::string_view field) const {
  const auto at = std::lower_bound(order_.begin(), order_.end(), field, [](const Entry* e, std::string_view name) { return e->name < name; });
  if (at == order_.end() || (*at)->name != field) return {};
  return {(*at)->type, (*at)->stored_name};
}

Type& TypePool::add(Type type) {
  types_.push_back(std::move(type));
  return types_.back();
}
TypeRef TypePool::list(TypeRef element) { return &add({.kind = TypeKind::List, .name = "list", .params = {element}}); }
TypeRef TypePool::map(TypeRef key, TypeRef value) { return &add({.kind = TypeKind::Map, .name = "map", .params = {key, value}}); }
TypeRef TypePool::optional(TypeRef value) { return &add({.kind = TypeKind::Opaque, .name = "optional_type", .params = {value}}); }
TypeRef TypePool::type_of(TypeRef type) { return &add({.kind = TypeKind::Type, .name = "type", .params = {type}}); }
TypeRef TypePool::param(std::string name) { return &add({.kind = TypeKind::Param, .name = text(std::move(name))}); }
TypeRef TypePool::structure(std::string name, const StructFields* fields) {
  return &add({.kind = TypeKind::Struct, .name = text(std::move(name)), .fields = fields});
}
std::string_view TypePool::text(std::string text) {
  texts_.push_back(std::move(text));
  return texts_.back();
}

bool same_type(TypeRef a, TypeRef b) {
  if (a == b) return true;
  if (a->kind != b->kind || a->nullable != b->nullable || a->name != b->name || a->params.size() != b->params.size()) return false;
  for (std::size_t i = 0; i < a->params.size(); ++i)
    if (!same_type(a->params[i], b->params[i])) return false;
  return true;
}

bool is_optional(TypeRef type) { return type->kind == TypeKind::Opaque && type->name == "optional_type"; }

std::string type_text(TypeRef type) {
  if (type->nullable) return "wrapper(" + std::string(type->name) + ")";
  switch (type->kind) {
    case TypeKind::Null: return "null";
    case TypeKind::Timestamp: return "timestamp";
    case TypeKind::Duration: return "duration";
    default: break;
  }
  std::string text(type->name);
  if (type->params.empty()) return text;
  text += '(';
  for (std::size_t i = 0; i < type->params.size(); ++i) {
    if (i > 0) text += ", ";
    text += type_text(type->params[i]);
  }
  return text + ')';
}

}  // namespace pintle::apimachinery::cel

#include "apiserver/registry/forbidden_fields.h"

#include "api/gen/core_v1.h"

namespace pintle::apiserver {

namespace {

using api::core_v1::SecurityContext;
using apimachinery::FieldErrors;
using apimachinery::FieldPath;

void add_types(const api::Type& type, std::set<const api::Type*>& out) {
  if (!out.insert(&type).second) return;
  if (type.elem != nullptr) add_types(*type.elem, out);
  for (const api::Field& field : type.fields) add_types(*field.type, out);
}

}  // namespace

ForbiddenFields::ForbiddenFields(const ApiServerOptions& options) {
  if (options.allow_privileged) return;
  std::set<const api::Type*> types;
  for (const api::KindInfo& kind : api::all_kinds()) add_types(*kind.type, types);
  reaching_.insert(&api::type_of<SecurityContext>());
  // Types hold one another, some of them themselves: until nothing new is found.
  for (bool found = true; found;) {
    found = false;
    for (const api::Type* type : types) {
      if (reaches(*type)) continue;
      bool hit = type->elem != nullptr && reaches(*type->elem);
      for (const api::Field& field : type->fields) hit = hit || reaches(*field.type);
      if (hit) found = reaching_.insert(type).second;
    }
  }
}

void ForbiddenFields::check(const api::Object& object, FieldErrors& errors) const {
  if (reaches(object.type())) check_fields(object.type(), object.data(), FieldPath(), errors);
}

void ForbiddenFields::check_fields(const api::Type& type, const void* value, const FieldPath& path, FieldErrors& errors) const {
  for (const api::Field& field : type.fields)
    if (reaches(*field.type)) check_value(*field.type, api::field_address(value, field), path.child(field.name), errors);
}

void ForbiddenFields::check_value(const api::Type& type, const void* value, const FieldPath& path, FieldErrors& errors) const {
  void* at = const_cast<void*>(value);  // the tables of operations have no constant form
  if (&type == &api::type_of<SecurityContext>()) {
    // The words are upstream's: installers look for them.
    if (static_cast<const SecurityContext*>(value)->privileged.value_or(false))
      errors.forbidden(path.child("privileged"), "disallowed by cluster policy");
  } else if (type.list != nullptr) {
    for (std::size_t i = 0; i < type.list->size(at); ++i) check_value(*type.elem, type.list->at(at, i), path.index(i), errors);
  } else if (type.map != nullptr) {
    for (std::size_t i = 0; i < type.map->size(at); ++i)
      check_value(*type.elem, type.map->value_at(at, i), path.key(type.map->key_at(at, i)), errors);
  } else if (type.pointer != nullptr) {
    if (const void* held = type.pointer->get(at)) check_value(*type.elem, held, path, errors);
  } else {
    check_fields(type, value, path, errors);
  }
}

}  // namespace pintle::apiserver

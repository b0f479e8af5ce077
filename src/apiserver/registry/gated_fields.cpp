#include "apiserver/registry/gated_fields.h"

#include "api/json_encode.h"

namespace pintle::apiserver::registry {

namespace {

using Types = std::set<const api::Type*>;

// Every type that a value of `type` may hold, itself included.
void add_types(const api::Type& type, Types& out) {
  if (!out.insert(&type).second) return;
  if (type.elem != nullptr) add_types(*type.elem, out);
  for (const api::Field& field : type.fields) add_types(*field.type, out);
}

// Calls `visit` with each element of a container that has a value.
template <class Visit>
void each_element(const api::Type& type, void* value, Visit visit) {
  if (type.list != nullptr) {
    for (std::size_t i = 0; i < type.list->size(value); ++i) visit(type.list->at(value, i));
  } else if (type.map != nullptr) {
    for (std::size_t i = 0; i < type.map->size(value); ++i) visit(type.map->value_at(value, i));
  } else if (type.pointer != nullptr) {
    if (void* held = type.pointer->get(value)) visit(held);
  }
}

void clear(const api::Type& type, void* value) {
  type.value->destroy(value);
  type.value->construct(value);
}

}  // namespace

GatedFields::GatedFields(const component::FeatureGates& gates) {
  for (const component::FeatureSpec& feature : component::known_features())
    if (!gates.enabled(feature.name)) off_.insert(feature.name);
  Types types;
  for (const api::KindInfo& kind : api::all_kinds()) add_types(*kind.type, types);
  // Types hold one another, some of them themselves: until nothing new is found.
  for (bool found = true; found;) {
    found = false;
    for (const api::Type* type : types) {
      if (reaches(*type)) continue;
      bool hit = type->elem != nullptr && reaches(*type->elem);
      for (const api::Field& field : type->fields) hit = hit || off(field) || reaches(*field.type);
      if (hit) found = reaching_.insert(type).second;
    }
  }
}

void GatedFields::drop(api::Object& object, const api::Object* old) const {
  if (!reaches(object.type())) return;
  Names kept;
  if (old != nullptr) collect(old->type(), old->data(), kept);
  drop(object.type(), object.data(), kept);
}

void GatedFields::collect(const api::Type& type, const void* value, Names& used) const {
  if (!reaches(type)) return;
  for (const api::Field& field : type.fields) {
    const void* at = api::field_address(value, field);
    if (off(field)) {
      if (!api::is_empty(*field.type, at)) used.insert(field.feature_gate);
    } else {
      collect(*field.type, at, used);
    }
  }
  each_element(type, const_cast<void*>(value), [&](void* element) { collect(*type.elem, element, used); });
}

void GatedFields::drop(const api::Type& type, void* value, const Names& kept) const {
  if (!reaches(type)) return;
  for (const api::Field& field : type.fields) {
    void* at = api::field_address(value, field);
    if (off(field) && !kept.contains(field.feature_gate)) {
      clear(*field.type, at);
    } else {
      drop(*field.type, at, kept);
    }
  }
  each_element(type, value, [&](void* element) { drop(*type.elem, element, kept); });
}

}  // namespace pintle::apiserver::registry

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
  Names off;
  for (const component::FeatureSpec& feature : component::known_features())
    if (!gates.enabled(feature.name)) off.insert(feature.name);
  Types types;
  for (const api::KindInfo& kind : api::all_kinds()) add_types(*kind.type, types);
  const auto is_off = [&](const api::Field& field) { return !field.feature_gate.empty() && off.contains(field.feature_gate); };
  // Types hold one another, some of them themselves: until nothing new is found.
  for (bool found = true; found;) {
    found = false;
    for (const api::Type* type : types) {
      if (plan(*type) != nullptr) continue;
      bool hit = type->elem != nullptr && plan(*type->elem) != nullptr;
      for (const api::Field& field : type->fields) hit = hit || is_off(field) || plan(*field.type) != nullptr;
      if (hit) found = plans_.emplace(type, std::make_unique<Plan>()).second;
    }
  }
  for (auto& [type, made] : plans_) {
    for (const api::Field& field : type->fields) {
      const Plan* inner = plan(*field.type);
      if (is_off(field) || inner != nullptr) made->members.push_back({&field, is_off(field), inner});
    }
    if (type->elem != nullptr) made->elements = plan(*type->elem);
  }
}

const GatedFields::Plan* GatedFields::plan(const api::Type& type) const {
  const auto found = plans_.find(&type);
  return found == plans_.end() ? nullptr : found->second.get();
}

void GatedFields::drop(api::Object& object, const api::Object* old) const {
  const Plan* steps = plan(object.type());
  if (steps == nullptr) return;
  Names kept;
  if (old != nullptr) {
    if (const Plan* old_steps = plan(old->type())) collect(*old_steps, old->type(), old->data(), kept);
  }
  drop(*steps, object.type(), object.data(), kept);
}

void GatedFields::collect(const Plan& plan, const api::Type& type, const void* value, Names& used) {
  for (const Plan::Member& member : plan.members) {
    const void* at = api::field_address(value, *member.field);
    if (!member.off) {
      collect(*member.plan, *member.field->type, at, used);
    } else if (!api::is_empty(*member.field->type, at)) {
      used.insert(member.field->feature_gate);
    }
  }
  if (plan.elements == nullptr) return;
  each_element(type, const_cast<void*>(value), [&](void* element) { collect(*plan.elements, *type.elem, element, used); });
}

void GatedFields::drop(const Plan& plan, const api::Type& type, void* value, const Names& kept) {
  for (const Plan::Member& member : plan.members) {
    void* at = api::field_address(value, *member.field);
    if (member.off && !kept.contains(member.field->feature_gate)) {
      clear(*member.field->type, at);
    } else if (member.plan != nullptr) {
      drop(*member.plan, *member.field->type, at, kept);
    }
  }
  if (plan.elements == nullptr) return;
  each_element(type, value, [&](void* element) { drop(*plan.elements, *type.elem, element, kept); });
}

}  // namespace pintle::apiserver::registry

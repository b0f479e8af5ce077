#include "apiserver/registry/forbidden_fields.h"

#include <array>

#include "api/gen/core_v1.h"
#include "api/gen/node_v1.h"

namespace pintle::apiserver::registry {

namespace {

using api::core_v1::SecurityContext;
using api::core_v1::Toleration;
using apimachinery::FieldErrors;
using apimachinery::FieldPath;

void add_types(const api::Type& type, std::set<const api::Type*>& out) {
  if (!out.insert(&type).second) return;
  if (type.elem != nullptr) add_types(*type.elem, out);
  for (const api::Field& field : type.fields) add_types(*field.type, out);
}

}  // namespace

// One walk over an object.
struct ForbiddenFields::Round {
  bool privileged = false;
  bool comparisons = false;
  FieldErrors& errors;
};

ForbiddenFields::ForbiddenFields(const ApiServerOptions& options)
    : privileged_(!options.allow_privileged), comparisons_(!options.feature_gates.enabled("TaintTolerationComparisonOperators")) {
  std::set<const api::Type*> types;
  for (const api::KindInfo& kind : api::all_kinds()) add_types(*kind.type, types);
  if (privileged_) reaching_.insert(&api::type_of<SecurityContext>());
  if (comparisons_) reaching_.insert(&api::type_of<Toleration>());
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

void ForbiddenFields::check(const api::Object& object, const api::Object* old, FieldErrors& errors) const {
  if (!reaches(object.type())) return;
  Round round{privileged_, comparisons_ && !object.is<api::node_v1::RuntimeClass>(), errors};  // its own validation allows it no comparisons
  if (round.comparisons && old != nullptr) {
    FieldErrors used;
    Round before{false, true, used};
    check_fields(old->type(), old->data(), FieldPath(), before);
    round.comparisons = used.empty();
  }
  check_fields(object.type(), object.data(), FieldPath(), round);
}

void ForbiddenFields::check_fields(const api::Type& type, const void* value, const FieldPath& path, Round& round) const {
  for (const api::Field& field : type.fields)
    if (reaches(*field.type)) check_value(*field.type, api::field_address(value, field), path.child(field.name), round);
}

void ForbiddenFields::check_value(const api::Type& type, const void* value, const FieldPath& path, Round& round) const {
  void* at = const_cast<void*>(value);  // the tables of operations have no constant form
  if (&type == &api::type_of<SecurityContext>()) {
    // The words are upstream's: installers look for them.
    if (round.privileged && static_cast<const SecurityContext*>(value)->privileged.value_or(false))
      round.errors.forbidden(path.child("privileged"), "disallowed by cluster policy");
  } else if (&type == &api::type_of<Toleration>()) {
    constexpr std::array<std::string_view, 4> operators{"Equal", "Exists", "Lt", "Gt"};
    const std::string& op = static_cast<const Toleration*>(value)->operator_;
    if (round.comparisons && (op == "Lt" || op == "Gt")) round.errors.not_listed(path.child("operator"), op, operators);
  } else if (type.list != nullptr) {
    for (std::size_t i = 0; i < type.list->size(at); ++i) check_value(*type.elem, type.list->at(at, i), path.index(i), round);
  } else if (type.map != nullptr) {
    for (std::size_t i = 0; i < type.map->size(at); ++i) check_value(*type.elem, type.map->value_at(at, i), path.key(type.map->key_at(at, i)), round);
  } else if (type.pointer != nullptr) {
    if (const void* held = type.pointer->get(at)) check_value(*type.elem, held, path, round);
  } else {
    check_fields(type, value, path, round);
  }
}

}  // namespace pintle::apiserver::registry

#include "api/defaults.h"

#include <memory>
#include <unordered_map>

#include "api/codec.h"
#include "api/json_encode.h"
#include "api/object.h"
#include "api/type_plan.h"
#include "base/mutex.h"

namespace pintle::api {
namespace {

// The literals as values, each parsed when first wanted and kept for ever.
const Object& default_of(const Field& field) {
  static ThreadMutex mutex;
  static std::unordered_map<const Field*, std::unique_ptr<const Object>> values;
  ThreadLock lock(mutex);
  auto& value = values[&field];
  if (value == nullptr) {
    Object made(*field.type);
    CHECK(decode_json(field.default_json, *field.type, made.data()).has_value(), "a default of the schema fits its field");
    value = std::make_unique<const Object>(std::move(made));
  }
  return *value;
}

void apply_inside(const Type& type, void* at) {
  switch (type.kind) {
    case Kind::Struct:
    case Kind::Union: return apply_defaults(type, at);
    case Kind::Optional:
    case Kind::Box:
      if (void* inner = type.pointer->get(at)) apply_inside(*type.elem, inner);
      return;
    case Kind::List:
      if (type.elem->kind == Kind::String) return;
      for (std::size_t i = 0, n = type.list->size(at); i < n; ++i) apply_inside(*type.elem, type.list->at(at, i));
      return;
    case Kind::Map:
      if (type.elem->kind == Kind::String) return;
      for (std::size_t i = 0, n = type.map->size(at); i < n; ++i) apply_inside(*type.elem, type.map->value_at(at, i));
      return;
    default: return;
  }
}

}  // namespace

void apply_defaults(const Type& type, void* object) {
  for (const PlanField& field : plan_of(type).fields) {
    void* at = static_cast<char*>(object) + field.offset;
    if (!field.field->default_json.empty() && is_zero(*field.type, at)) {
      const Object& value = default_of(*field.field);
      field.type->value->assign(at, value.data());
    }
    apply_inside(*field.type, at);
  }
}

}  // namespace pintle::api

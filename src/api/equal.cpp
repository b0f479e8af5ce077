// Deep equality over the descriptor tables.
#include "api/codec.h"
#include "api/rest.h"
#include "api/type_plan.h"
#include "api/values.h"

namespace pintle::api {
namespace {

void* mut(const void* p) { return const_cast<void*>(p); }

template <class T>
bool same(const void* a, const void* b) {
  return *static_cast<const T*>(a) == *static_cast<const T*>(b);
}

bool same_list(const Type& type, const void* a, const void* b) {
  const std::size_t n = type.list->size(a);
  if (n != type.list->size(b)) return false;
  for (std::size_t i = 0; i < n; ++i)
    if (!equal(*type.elem, type.list->at(mut(a), i), type.list->at(mut(b), i))) return false;
  return true;
}

bool same_map(const Type& type, const void* a, const void* b) {
  const std::size_t n = type.map->size(a);
  if (n != type.map->size(b)) return false;
  for (std::size_t i = 0; i < n; ++i) {
    if (type.map->key_at(a, i) != type.map->key_at(b, i)) return false;
    if (!equal(*type.elem, type.map->value_at(mut(a), i), type.map->value_at(mut(b), i))) return false;
  }
  return true;
}

}  // namespace

bool equal(const Type& type, const void* a, const void* b) {
  switch (type.kind) {
    case Kind::Bool: return same<bool>(a, b);
    case Kind::Int32: return same<int32_t>(a, b);
    case Kind::Int64:
    case Kind::Uint64: return same<uint64_t>(a, b);
    case Kind::Float32: return same<float>(a, b);
    case Kind::Float64: return same<double>(a, b);
    case Kind::String:
    case Kind::Bytes: return same<std::string>(a, b);
    case Kind::Struct:
    case Kind::Union:
      for (const PlanField& field : plan_of(type).fields)
        if (!equal(*field.type, static_cast<const char*>(a) + field.offset, static_cast<const char*>(b) + field.offset)) return false;
      return type.rest_offset < 0 || same<Rest>(static_cast<const char*>(a) + type.rest_offset, static_cast<const char*>(b) + type.rest_offset);
    case Kind::Optional:
    case Kind::Box: {
      const void *x = type.pointer->get(mut(a)), *y = type.pointer->get(mut(b));
      return x == nullptr || y == nullptr ? x == y : equal(*type.elem, x, y);
    }
    case Kind::List: return same_list(type, a, b);
    case Kind::Map: return same_map(type, a, b);
    case Kind::Quantity: return same<Quantity>(a, b);
    case Kind::IntOrString: return same<IntOrString>(a, b);
    case Kind::Time: return same<Time>(a, b);
    case Kind::MicroTime: return same<MicroTime>(a, b);
    case Kind::Duration: return same<Duration>(a, b);
    case Kind::RawExtension: return same<RawExtension>(a, b);
    case Kind::FieldsV1: return same<FieldsV1>(a, b);
    case Kind::Json: return same<Json>(a, b);
  }
  return false;
}

}  // namespace pintle::api

#include "api/type_plan.h"

#include <array>
#include <atomic>
#include <bit>
#include <memory>

#include "base/check.h"

namespace pintle::api {
namespace {

constexpr std::size_t plans_max = 8192;      // struct types of the schema; a power of two
constexpr uint32_t proto_number_max = 4096;  // the API's numbers are small

std::array<std::atomic<const TypePlan*>, plans_max> plans;

PlanField plan_field(const Field& field) {
  PlanField p;
  const Type* value = field.type;
  while (value->kind == Kind::Optional || value->kind == Kind::Box || (value->kind == Kind::List && !value->proto_wrapped)) value = value->elem;
  p.wire = wire_of(value->kind);
  p.field = &field;
  p.type = field.type;
  p.offset = field.offset;
  p.proto = field.proto;
  p.kind = field.type->kind;
  p.omit_empty = field.omit_empty;
  p.omit_zero = field.omit_zero;
  p.empty_as_list = field.empty_as_list;
  if (field.items_show_kind) p.item_kind = &kind_of(*field.type->elem)->gvk;
  p.json_key = ",\"" + std::string(field.name) + "\":";
  return p;
}

std::unique_ptr<TypePlan> make_plan(const Type& type) {
  CHECK(type.kind == Kind::Struct || type.kind == Kind::Union, "only structs have plans");
  auto plan = std::make_unique<TypePlan>();
  plan->type = &type;
  plan->fields.reserve(type.fields.size());
  for (const Field& field : type.fields) plan->fields.push_back(plan_field(field));
  for (std::size_t i = 0; i < plan->fields.size() && i < 64; ++i) {
    const PlanField& field = plan->fields[i];
    const bool droppable = field.omit_empty && (field.kind <= Kind::Bytes || field.kind == Kind::Optional || field.kind == Kind::Box ||
                                                field.kind == Kind::List || field.kind == Kind::Map);
    if (!droppable && !(field.omit_zero && field.kind != Kind::Struct)) plan->always_written |= uint64_t{1} << i;
  }
  plan->mask = std::bit_ceil(type.fields.size() * 2 + 1) - 1;
  plan->slots.assign(plan->mask + 1, -1);
  for (std::size_t i = 0; i < plan->fields.size(); ++i) {
    std::size_t at = TypePlan::hash(plan->fields[i].field->name) & plan->mask;
    while (plan->slots[at] >= 0) at = (at + 1) & plan->mask;
    plan->slots[at] = static_cast<int16_t>(i);
  }
  for (std::size_t i = 0; i < type.proto_order.size(); ++i) {
    const Field& field = type.proto_field(i);
    if (field.proto == 0) continue;
    CHECK(field.proto < proto_number_max, "protobuf number too large for the index");
    if (plan->by_number.size() <= field.proto) plan->by_number.resize(field.proto + 1, -1);
    plan->by_number[field.proto] = static_cast<int16_t>(plan->proto.size());
    PlanField& entry = plan->proto.emplace_back(plan_field(field));
    if (type.proto_order[i] < type.fields.size()) {
      entry.json_index = type.proto_order[i];
    } else {
      for (const Field& inner : field.type->fields) entry.inlined.push_back(plan->find(inner.name));
    }
  }
  return plan;
}

}  // namespace

codec::WireType wire_of(Kind kind) {
  switch (kind) {
    case Kind::Bool:
    case Kind::Int32:
    case Kind::Int64:
    case Kind::Uint64: return codec::WireType::Varint;
    case Kind::Float32: return codec::WireType::Fixed32;
    case Kind::Float64: return codec::WireType::Fixed64;
    default: return codec::WireType::Bytes;
  }
}

const TypePlan& plan_of(const Type& type) {
  const auto start = reinterpret_cast<uintptr_t>(&type) / alignof(Type) * 0x9E3779B97F4A7C15ull >> 40;
  for (std::size_t i = 0; i < plans_max; ++i) {
    auto& slot = plans[(start + i) & (plans_max - 1)];
    const TypePlan* plan = slot.load(std::memory_order_acquire);
    if (plan == nullptr) {
      std::unique_ptr<TypePlan> made = make_plan(type);
      if (slot.compare_exchange_strong(plan, made.get(), std::memory_order_acq_rel)) return *made.release();
    }
    if (plan->type == &type) return *plan;
  }
  check_failed(__FILE__, __LINE__, "plans_max", "more struct types than plans");
}

}  // namespace pintle::api

// TypePlan: what the walkers want to know of a struct type, worked out once from its descriptor and kept for ever: the
// fields packed side by side, their JSON keys ready to write, and indexes by JSON name and by protobuf number.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "api/type.h"
#include "codec/proto_wire.h"

namespace pintle::api {

struct PlanField {
  const Field* field = nullptr;
  const Type* type = nullptr;
  uint32_t offset = 0;
  uint32_t proto = 0;
  Kind kind = Kind::Struct;
  codec::WireType wire = codec::WireType::Bytes;  // of one value of it, unpacked
  bool omit_empty = false;
  bool omit_zero = false;
  bool empty_as_list = false;
  const GroupVersionKind* item_kind = nullptr;  // of a list whose items show it
  std::string json_key;                         // `,"name":`
  int json_index = -1;                          // of an entry of TypePlan::proto: its place in TypePlan::fields; -1: an inlined struct
  std::vector<int> inlined;                     // of an inlined struct: the place in TypePlan::fields of each of its own plan's fields
};

struct TypePlan {
  const Type* type = nullptr;
  std::vector<PlanField> fields;  // JSON order
  std::vector<PlanField> proto;   // by ascending number, inlined structs included

  // Index into `fields`; -1: no such field.
  int find(std::string_view json_name) const {
    for (std::size_t at = hash(json_name) & mask;; at = (at + 1) & mask) {
      const int index = slots[at];
      if (index < 0 || fields[static_cast<std::size_t>(index)].field->name == json_name) return index;
    }
  }
  // The entry of `proto`; nullptr: no such field.
  const PlanField* find_proto(uint32_t number) const {
    if (number >= by_number.size() || by_number[number] < 0) return nullptr;
    return &proto[static_cast<std::size_t>(by_number[number])];
  }

  static std::size_t hash(std::string_view name) {
    if (name.empty()) return 0;
    const auto at = [&](std::size_t i) { return static_cast<std::size_t>(static_cast<unsigned char>(name[i])); };
    return (name.size() * 7 + at(0) * 31 + at(name.size() - 1) * 17 + at(name.size() / 2) * 5) * 0x9E3779B1u >> 8;
  }
  // Bit i: fields[i] is written even where protobuf has nothing for it. For types of at most 64 fields.
  uint64_t always_written = 0;
  std::size_t mask = 0;
  std::vector<int16_t> slots;
  std::vector<int16_t> by_number;
};

// How a value of a kind travels, outside packed lists.
codec::WireType wire_of(Kind kind);
// The plan of a Struct or Union type. Types must live for ever. Safe from any thread.
const TypePlan& plan_of(const Type& type);

}  // namespace pintle::api

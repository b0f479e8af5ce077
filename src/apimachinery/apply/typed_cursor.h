// A place in a generated object, for walk.h: a descriptor and an address. What JSON leaves out is not there, as the
// fields that a manager owns are those that stand in the JSON form.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "api/codec.h"
#include "api/type.h"
#include "apimachinery/apply/schema_view.h"

namespace pintle::apimachinery {

class TypedCursor {
 public:
  TypedCursor(const api::Type& type, const void* at, const api::Field* field = nullptr);

  Shape shape() const { return shape_of(*type_, field_); }
  bool null() const { return at_ == nullptr; }
  std::size_t size() const;  // of members or elements; 0 for null
  bool equals(const TypedCursor& other) const;
  codec::Value value() const;  // null where embedded JSON cannot be read

  // The members that are there in either, in an order that is the same for every object of the type.
  template <class Visit>  // (name, const TypedCursor* a, const TypedCursor* b)
  static void visit_pairs(const TypedCursor* a, const TypedCursor* b, Visit&& visit);

  TypedCursor element(std::size_t i) const;
  // The path element of the i-th element of a KeyedList or SetList.
  std::string element_key(std::size_t i) const;

 private:
  static bool present(const api::Field& field, const void* object);

  const api::Type* type_;
  const void* at_;  // nullptr: null
  const api::Field* field_;
};

template <class Visit>
void TypedCursor::visit_pairs(const TypedCursor* a, const TypedCursor* b, Visit&& visit) {
  const api::Type& type = *(a ? a : b)->type_;
  const void* left = a ? a->at_ : nullptr;
  const void* right = b ? b->at_ : nullptr;
  if (type.kind == api::Kind::Struct) {
    for (const api::Field& field : type.fields) {
      const bool in_left = left && present(field, left);
      const bool in_right = right && present(field, right);
      if (!in_left && !in_right) continue;
      const TypedCursor l(*field.type, in_left ? api::field_address(left, field) : nullptr, &field);
      const TypedCursor r(*field.type, in_right ? api::field_address(right, field) : nullptr, &field);
      visit(field.name, in_left ? &l : nullptr, in_right ? &r : nullptr);
    }
    return;
  }
  const api::MapOps& ops = *type.map;
  const std::size_t left_size = left ? ops.size(left) : 0;
  const std::size_t right_size = right ? ops.size(right) : 0;
  for (std::size_t i = 0, j = 0; i < left_size || j < right_size;) {
    const std::string_view left_key = i < left_size ? ops.key_at(left, i) : std::string_view();
    const std::string_view right_key = j < right_size ? ops.key_at(right, j) : std::string_view();
    const bool take_left = i < left_size && (j == right_size || left_key <= right_key);
    const bool take_right = j < right_size && (i == left_size || right_key <= left_key);
    const TypedCursor l(*type.elem, take_left ? ops.value_at(const_cast<void*>(left), i) : nullptr);
    const TypedCursor r(*type.elem, take_right ? ops.value_at(const_cast<void*>(right), j) : nullptr);
    visit(take_left ? left_key : right_key, take_left ? &l : nullptr, take_right ? &r : nullptr);
    i += take_left;
    j += take_right;
  }
}

}  // namespace pintle::apimachinery

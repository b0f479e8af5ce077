// A place in a document, for walk.h: a value and the place in the schema that describes it.
#pragma once

#include <string>
#include <string_view>

#include "apimachinery/apply/schema_view.h"
#include "codec/value.h"

namespace pintle::apimachinery {

class ValueCursor {
 public:
  ValueCursor(const SchemaView& schema, SchemaNode node, const codec::Value& value) : schema_(&schema), node_(node), value_(&value) {}

  // That of the schema, unless the value is of another kind (then Leaf) or the schema says nothing.
  Shape shape() const;
  bool null() const { return value_->is_null(); }
  std::size_t size() const;
  bool equals(const ValueCursor& other) const { return *value_ == *other.value_; }
  const codec::Value& value() const { return *value_; }
  SchemaNode node() const { return node_; }
  const SchemaView& schema() const { return *schema_; }

  // `named`: the schema names the member, it is no map's key.
  ValueCursor member(std::string_view name, const codec::Value& value, bool* named = nullptr) const;
  template <class Visit>  // (name, const ValueCursor* a, const ValueCursor* b)
  static void visit_pairs(const ValueCursor* a, const ValueCursor* b, Visit&& visit);

  ValueCursor element(std::size_t i) const { return {*schema_, schema_->element(node_), value_->as_array()[i]}; }
  std::string element_key(std::size_t i) const;

 private:
  const SchemaView* schema_;
  SchemaNode node_;
  const codec::Value* value_;
};

template <class Visit>
void ValueCursor::visit_pairs(const ValueCursor* a, const ValueCursor* b, Visit&& visit) {
  static const codec::Value::Object none;
  const ValueCursor& either = a ? *a : *b;
  const auto& left = a && a->value_->is_object() ? a->value_->as_object() : none;
  const auto& right = b && b->value_->is_object() ? b->value_->as_object() : none;
  auto l = left.begin();
  auto r = right.begin();
  while (l != left.end() || r != right.end()) {
    const bool take_left = l != left.end() && (r == right.end() || l->first <= r->first);
    const bool take_right = r != right.end() && (l == left.end() || r->first <= l->first);
    const std::string_view name = take_left ? l->first : r->first;
    const ValueCursor cursor_l = either.member(name, take_left ? l->second : r->second);
    const ValueCursor cursor_r = either.member(name, take_right ? r->second : l->second);
    visit(name, take_left ? &cursor_l : nullptr, take_right ? &cursor_r : nullptr);
    if (take_left) ++l;
    if (take_right) ++r;
  }
}

}  // namespace pintle::apimachinery

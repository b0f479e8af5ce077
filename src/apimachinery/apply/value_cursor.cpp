#include "apimachinery/apply/value_cursor.h"

#include <algorithm>
#include <vector>

#include "apimachinery/apply/path_element.h"

namespace pintle::apimachinery {

Shape ValueCursor::shape() const {
  const Shape shape = schema_->shape(node_);
  if (shape == Shape::Deduced) return value_->is_object() ? Shape::Object : Shape::Leaf;
  if (value_->is_null()) return shape;
  if (shape == Shape::Object && !value_->is_object()) return Shape::Leaf;
  if ((shape == Shape::KeyedList || shape == Shape::SetList) && !value_->is_array()) return Shape::Leaf;
  return shape;
}

std::size_t ValueCursor::size() const {
  if (value_->is_object()) return value_->as_object().size();
  return value_->is_array() ? value_->as_array().size() : 0;
}

ValueCursor ValueCursor::member(std::string_view name, const codec::Value& value, bool* named) const {
  bool is_named = false;
  const SchemaNode node = schema_->member(node_, name, is_named);
  if (named) *named = is_named;
  return {*schema_, node, value};
}

std::string ValueCursor::element_key(std::size_t i) const {
  const codec::Value& item = value_->as_array()[i];
  if (schema_->shape(node_) == Shape::SetList) return path_element::value(item);
  const auto keys = schema_->keys(node_);
  std::vector<std::string_view> names(keys.begin(), keys.end());
  std::ranges::sort(names);
  std::string key = path_element::begin_keys();
  for (const std::string_view name : names) {
    if (const codec::Value* value = item.find(name)) {
      path_element::add_key(key, name, *value);
    } else if (const codec::Value fallback = schema_->key_default(node_, name); !fallback.is_null()) {
      path_element::add_key(key, name, fallback);
    }
  }
  return key;
}

}  // namespace pintle::apimachinery

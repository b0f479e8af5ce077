#include "apimachinery/schema/ratcheting.h"

#include <optional>

#include "codec/json.h"

namespace pintle::apimachinery::schema {
namespace {

using codec::Value;

// The values of the keys as one text; nullopt where one is missing or no scalar.
std::optional<std::string> key_of(const Node& list, const Value& item) {
  std::string key;
  for (const std::string_view name : list.list_map_keys()) {
    const Value* value = item.find(name);
    if (value == nullptr || value->is_null() || value->is_array() || value->is_object()) return std::nullopt;
    key += static_cast<char>('0' + static_cast<int>(value->kind()));
    codec::append_json(*value, key);
  }
  return key;
}

}  // namespace

OldItems::OldItems(const Node& list, const Value& old) : list_(list) {
  if (list.list_type != ListType::Map || list.type != ValueType::Array || list.list_map_keys().empty() || !old.is_array()) return;
  if (old.as_array().size() * list.list_map_keys().size() > compared_keys_max) return;
  for (const Value& item : old.as_array())
    if (auto key = key_of(list, item)) by_key_.try_emplace(std::move(*key), &item);
}

Predecessor OldItems::of(const Value& item) const {
  if (by_key_.empty() || list_.items == nullptr) return {};
  const auto key = key_of(list_, item);
  const auto found = key ? by_key_.find(*key) : by_key_.end();
  return found == by_key_.end() ? Predecessor() : Predecessor{found->second, list_.items};
}

bool Ratcheting::equal(const Node& schema, const Value& value, const Value& old) {
  if (value.is_array() != old.is_array() || value.is_object() != old.is_object()) return false;
  if (!value.is_array() && !value.is_object()) return value == old;
  if (const auto found = known_.find(&value); found != known_.end()) return found->second;
  const bool same = value.is_array() ? equal_arrays(schema, value, old) : equal_objects(schema, value, old);
  known_.emplace(&value, same);
  return same;
}

bool Ratcheting::equal_arrays(const Node& schema, const Value& value, const Value& old) {
  if (value.as_array().size() != old.as_array().size()) return false;
  if (schema.list_type != ListType::Map) return value == old;
  const OldItems old_items(schema, old);
  for (const Value& item : value.as_array()) {
    const Predecessor before = old_items.of(item);
    if (before.value == nullptr || !equal(*before.schema, item, *before.value)) return false;
  }
  return true;
}

bool Ratcheting::equal_objects(const Node& schema, const Value& value, const Value& old) {
  if (value.as_object().size() != old.as_object().size()) return false;
  const Predecessor parent{&old, &schema};
  for (const auto& [name, member] : value.as_object()) {
    const Predecessor before = parent.member(name, false);
    if (before.value == nullptr || !equal(*before.schema, member, *before.value)) return false;
  }
  return true;
}

}  // namespace pintle::apimachinery::schema

#include "apimachinery/patch/strategic_patch.h"

#include <set>
#include <string>

#include "apimachinery/patch/element_order.h"

namespace pintle::apimachinery {
namespace {

using codec::Value;
using Array = Value::Array;

constexpr std::string_view directive_key = "$patch";
constexpr std::string_view retain_keys_key = "$retainKeys";
constexpr std::string_view delete_list_prefix = "$deleteFromPrimitiveList";
constexpr std::string_view order_prefix = "$setElementOrder";

// What the schema says about one member: the type of a merging list's elements or of an object, how it merges.
struct Member {
  const api::Type* type = nullptr;   // of the object, or of the list's elements; nullptr: not in the schema
  bool merges = false;               // a list: element by element
  bool replaces = false;             // an object: as a whole
  std::string_view merge_key;
};

const api::Type* unwrap(const api::Type* type) {
  while (type && (type->kind == api::Kind::Optional || type->kind == api::Kind::Box)) type = type->elem;
  return type;
}

Member find_member(const api::Type* type, std::string_view key) {
  if (type == nullptr) return {};
  if (type->kind == api::Kind::Map) return {unwrap(type->elem), false, false, {}};
  const api::Field* field = type->fields.empty() ? nullptr : type->find_field(key);
  if (field == nullptr) return {};
  const api::Type* value = unwrap(field->type);
  if (value->kind == api::Kind::List) value = unwrap(value->elem);
  const auto strategy = field->patch_strategy;
  const bool merges = strategy == api::PatchStrategy::Merge || strategy == api::PatchStrategy::MergeRetainKeys;
  return {value, merges, strategy == api::PatchStrategy::Replace, field->patch_merge_key};
}

// "$setElementOrder/ports" -> "ports".
Result<std::string> directed_field(std::string_view key, std::string_view prefix) {
  if (key.size() <= prefix.size() || key[prefix.size()] != '/')
    return bad_request("invalid patch format: " + std::string(prefix) + " is followed by '/' and a field");
  return std::string(key.substr(prefix.size() + 1));
}

// False: the value itself is a directive and goes.
bool remove_directives(Value& value) {
  if (value.is_object()) {
    auto& members = value.as_object();
    if (members.contains(directive_key)) return false;
    for (auto it = members.begin(); it != members.end();) it = remove_directives(it->second) ? it + 1 : members.erase(it);
  } else if (value.is_array()) {
    std::erase_if(value.as_array(), [](Value& item) { return !remove_directives(item); });
  }
  return true;
}

void discard_nulls(Value& value) {
  if (value.is_object()) {
    auto& members = value.as_object();
    for (auto it = members.begin(); it != members.end();) {
      if (it->second.is_null()) {
        it = members.erase(it);
      } else {
        discard_nulls(it->second);
        ++it;
      }
    }
  } else if (value.is_array()) {
    for (Value& item : value.as_array()) discard_nulls(item);
  }
}

// Puts what a patch brings where nothing of its kind is to merge with.
void take(Value& object, const std::string& key, Value value) {
  discard_nulls(value);
  if (remove_directives(value)) {
    object[key] = std::move(value);
  } else {
    object.as_object().erase(key);
  }
}

// All elements are objects (true) or none is (false).
Result<bool> elements_are_objects(const Array& a, const Array& b) {
  const Value* first = nullptr;
  for (const Array* list : {&a, &b}) {
    for (const Value& item : *list) {
      if (item.is_array()) return error(Reason::Invalid, "lists of lists are not supported in a strategic merge patch");
      if (first == nullptr) first = &item;
      if (first->kind() != item.kind()) return internal("the elements of a list to merge are of different kinds");
    }
  }
  return first != nullptr && first->is_object();
}

Result<Unit> merge_object(Value& object, Value patch, const api::Type* type);

// Carries out the elements that are directives; `patch` keeps the others. True: the list is to be replaced by them.
Result<bool> apply_element_directives(Array& original, Array& patch, std::string_view merge_key) {
  bool replace = false;
  Array plain;
  Array deleted;
  for (Value& item : patch) {
    const Value* directive = item.find(directive_key);
    if (directive == nullptr) {
      plain.push_back(std::move(item));
    } else if (*directive == Value("replace")) {
      replace = true;
    } else if (*directive == Value("delete")) {
      if (item.find(merge_key) == nullptr) return internal("an element to delete has no merge key \"" + std::string(merge_key) + "\"");
      deleted.push_back(std::move(item));
    } else if (*directive == Value("merge")) {
      return internal("merging lists cannot be asked for in a patch");
    } else {
      return error(Reason::Invalid, "unknown $patch directive");
    }
  }
  if (!deleted.empty()) {
    const ElementIndex gone(deleted, merge_key);
    std::erase_if(original, [&](const Value& item) { return gone.find(item) != ElementIndex::none; });
  }
  patch = std::move(plain);
  return replace;
}

// Merges `patch` into `merged` element by element, without ordering them.
Result<Unit> merge_keyed_elements(Array& merged, const Array& patch, std::string_view merge_key, const api::Type* element) {
  ElementIndex index(merged, merge_key);
  for (const Value& item : patch) {
    if (item.find(merge_key) == nullptr) return internal("an element of a patch has no merge key \"" + std::string(merge_key) + "\"");
    const std::size_t at = index.find(item);
    if (at == ElementIndex::none) {
      index.add(item, merged.size());
      merged.push_back(item);
    } else {
      TRY(merge_object(merged[at], item, element));
    }
  }
  return Unit{};
}

Result<Array> merge_list(Array original, Array patch, const Member& member, bool deletes) {
  if (!member.merges && !deletes) return patch;
  if (original.empty() && patch.empty()) return original;
  TRY_ASSIGN(const bool objects, elements_are_objects(original, patch));
  if (!objects) {
    if (deletes) {
      const ElementIndex gone(patch, {});
      std::erase_if(original, [&](const Value& item) { return gone.find(item) != ElementIndex::none; });
      return original;
    }
    return order_elements(merge_scalars(original, patch), patch, original, {});
  }
  if (member.merge_key.empty()) return internal("a list of objects without a merge key cannot be merged");
  TRY_ASSIGN(const bool replaced, apply_element_directives(original, patch, member.merge_key));
  if (replaced) return order_elements(patch, {}, patch, member.merge_key);
  Array merged = original;
  TRY(merge_keyed_elements(merged, patch, member.merge_key, member.type));
  return order_elements(std::move(merged), patch, original, member.merge_key);
}

Result<Unit> apply_retain_keys(Value& object, Value& patch) {
  const Value* found = patch.find(retain_keys_key);
  if (found == nullptr) return Unit{};
  if (!found->is_array()) return bad_request("invalid patch format: $retainKeys is a list");
  std::set<std::string, std::less<>> keys;
  for (const Value& key : found->as_array())
    if (key.is_string()) keys.insert(key.as_string());
  patch.as_object().erase(retain_keys_key);
  const auto retained = [&](const std::string& key) { return keys.contains(key); };
  for (const auto& [key, value] : patch.as_object()) {
    if (value.is_null() || key.starts_with(delete_list_prefix) || key.starts_with(order_prefix)) continue;
    if (!retained(key)) return bad_request("invalid patch format: $retainKeys must list every field of the patch");
  }
  auto& members = object.as_object();
  for (auto it = members.begin(); it != members.end();) it = retained(it->first) ? it + 1 : members.erase(it);
  return Unit{};
}

// The patch's elements come in the order that the directive lists them in.
Result<Unit> check_order(const Array& patch, const Array& order, std::string_view merge_key) {
  if (order.empty()) return Unit{};
  const ElementIndex places(order, merge_key);
  std::size_t next = 0;
  for (const Value& item : patch) {
    if (item.find(directive_key) != nullptr) continue;
    const std::size_t at = places.find(item);
    if (at == ElementIndex::none || at < next) return internal("the order in the patch does not match its $setElementOrder list");
    next = at + 1;
  }
  return Unit{};
}

Result<Unit> apply_element_order(Value& object, Value& patch, const std::string& key, const api::Type* type) {
  Value directive = std::move(*patch.find(key));
  patch.as_object().erase(key);
  if (!directive.is_array()) return bad_request("invalid patch format: $setElementOrder is a list");
  TRY_ASSIGN(const std::string field, directed_field(key, order_prefix));
  Value* original = object.find(field);
  Value* change = patch.find(field);
  if ((original && !original->is_array()) || (change && !change->is_array()))
    return internal("$setElementOrder names a field that is no list: " + field);
  const Member member = find_member(type, field);
  if (change) TRY(check_order(change->as_array(), directive.as_array(), member.merge_key));
  Array merged;
  if (original && change) {
    TRY_ASSIGN(merged, merge_list(original->as_array(), change->as_array(), member, false));
  } else if (change) {
    remove_directives(*change);
    merged = change->as_array();
  } else if (original) {
    merged = original->as_array();
  } else {
    return Unit{};
  }
  const Array server_order = original ? original->as_array() : Array{};
  object[field] = order_elements(std::move(merged), directive.as_array(), server_order, member.merge_key);
  patch.as_object().erase(field);
  return Unit{};
}

Result<Unit> merge_member(Value& object, const std::string& key, Value change, bool deletes, const api::Type* type) {
  if (change.is_null()) {
    object.as_object().erase(key);
    return Unit{};
  }
  Value* current = object.find(key);
  if (current == nullptr || current->kind() != change.kind() || !(change.is_object() || change.is_array())) {
    if (!deletes) take(object, key, std::move(change));
    return Unit{};
  }
  const Member member = find_member(type, key);
  if (change.is_object()) {
    if (!member.replaces) return merge_object(*current, std::move(change), member.type);
    *current = std::move(change);
    return Unit{};
  }
  TRY_ASSIGN(Array merged, merge_list(std::move(current->as_array()), std::move(change.as_array()), member, deletes));
  *current = std::move(merged);
  return Unit{};
}

Result<Unit> merge_object(Value& object, Value patch, const api::Type* type) {
  if (const Value* directive = patch.find(directive_key)) {
    if (*directive == Value("delete")) {
      object = Value::Object{};
      return Unit{};
    }
    if (*directive != Value("replace")) return error(Reason::Invalid, "unknown $patch directive");
    patch.as_object().erase(directive_key);
    object = std::move(patch);
    return Unit{};
  }
  TRY(apply_retain_keys(object, patch));
  std::vector<std::string> orders;
  for (const auto& [key, value] : patch.as_object())
    if (key.starts_with(order_prefix)) orders.push_back(key);
  for (const std::string& key : orders) TRY(apply_element_order(object, patch, key, type));

  for (auto& [key, change] : patch.as_object()) {
    const bool deletes = key.starts_with(delete_list_prefix);
    std::string field = key;
    if (deletes) {
      TRY_ASSIGN(field, directed_field(key, delete_list_prefix));
    }
    TRY(merge_member(object, field, std::move(change), deletes, type));
  }
  return Unit{};
}

}  // namespace

Result<Value> apply_strategic_patch(Value document, const Value& patch, const api::Type& type) {
  if (!patch.is_object()) return bad_request("invalid patch: a strategic merge patch is an object");
  if (!document.is_object()) document = Value::Object{};
  TRY(merge_object(document, patch, &type));
  return document;
}

}  // namespace pintle::apimachinery

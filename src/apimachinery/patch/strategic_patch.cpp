#include "apimachinery/patch/strategic_patch.h"

#include <set>
#include <string>

#include "apimachinery/patch/element_order.h"
#include "apimachinery/patch/member_edits.h"
#include "apimachinery/patch/work_budget.h"

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
  const api::Type* type = nullptr;  // of the object, or of the list's elements; nullptr: not in the schema
  bool merges = false;              // a list: element by element
  bool replaces = false;            // an object: as a whole
  std::string_view merge_key;
};

const Array no_elements;

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
    retain_members(members, [](const std::string&, Value& member) { return remove_directives(member); });
  } else if (value.is_array()) {
    std::erase_if(value.as_array(), [](Value& item) { return !remove_directives(item); });
  }
  return true;
}

void discard_nulls(Value& value) {
  if (value.is_object()) {
    retain_members(value.as_object(), [](const std::string&, Value& member) {
      if (member.is_null()) return false;
      discard_nulls(member);
      return true;
    });
  } else if (value.is_array()) {
    for (Value& item : value.as_array()) discard_nulls(item);
  }
}

// Puts what a patch brings where nothing of its kind is to merge with.
void take(MemberEdits& members, const std::string& key, Value value) {
  discard_nulls(value);
  if (remove_directives(value)) {
    members.set(key, std::move(value));
  } else {
    members.erase(key);
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

// What a list merge, or an ordering, has looked at.
Result<Unit> spend(WorkBudget& budget, std::initializer_list<const ElementIndex*> indexes) {
  for (const ElementIndex* index : indexes) budget.spend(index->steps());
  return budget.check("this patch");
}

Result<Unit> merge_object(Value& object, Value patch, const api::Type* type, WorkBudget& budget);

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
Result<Unit> merge_keyed_elements(Array& merged, Array patch, ElementIndex index, const api::Type* element, WorkBudget& budget) {
  const std::string_view merge_key = index.merge_key();
  for (Value& item : patch) {
    if (item.find(merge_key) == nullptr) return internal("an element of a patch has no merge key \"" + std::string(merge_key) + "\"");
    const std::size_t at = index.find(item);
    if (at == ElementIndex::none) {
      index.add(item, merged.size());
      merged.push_back(std::move(item));
    } else {
      TRY(merge_object(merged[at], std::move(item), element, budget));
    }
  }
  return Unit{};
}

Result<Array> merge_scalar_list(Array original, const Array& patch, bool deletes, WorkBudget& budget) {
  const ElementIndex wanted(patch, {});
  const ElementIndex server(deletes ? no_elements : original, {});
  TRY(spend(budget, {&wanted, &server}));
  if (!budget.spend(original.size())) return Unexpected(budget.check("this patch").error());
  if (!deletes) return order_elements(merge_scalars(original, patch), wanted, server);
  std::erase_if(original, [&](const Value& item) { return wanted.find(item) != ElementIndex::none; });
  return original;
}

Result<Array> merge_list(Array original, Array patch, const Member& member, bool deletes, WorkBudget& budget) {
  if (!member.merges && !deletes) return patch;
  if (original.empty() && patch.empty()) return original;
  TRY_ASSIGN(const bool objects, elements_are_objects(original, patch));
  if (!objects) return merge_scalar_list(std::move(original), patch, deletes, budget);
  if (member.merge_key.empty()) return internal("a list of objects without a merge key cannot be merged");
  TRY_ASSIGN(const bool replaced, apply_element_directives(original, patch, member.merge_key));
  const ElementIndex wanted(replaced ? no_elements : patch, member.merge_key);
  const ElementIndex server(replaced ? patch : original, member.merge_key);
  TRY(spend(budget, {&wanted, &server}));
  if (replaced) return order_elements(std::move(patch), wanted, server);
  Array merged = std::move(original);
  TRY(merge_keyed_elements(merged, std::move(patch), server, member.type, budget));
  return order_elements(std::move(merged), wanted, server);
}

// What $retainKeys of the patch leaves of the object.
Result<Unit> apply_retain_keys(Value& object, const Value& patch) {
  const Value* found = patch.find(retain_keys_key);
  if (found == nullptr) return Unit{};
  if (!found->is_array()) return bad_request("invalid patch format: $retainKeys is a list");
  std::set<std::string, std::less<>> keys;
  for (const Value& key : found->as_array())
    if (key.is_string()) keys.insert(key.as_string());
  const auto retained = [&](const std::string& key) { return keys.contains(key); };
  for (const auto& [key, value] : patch.as_object()) {
    if (value.is_null() || key == retain_keys_key || key.starts_with(delete_list_prefix) || key.starts_with(order_prefix)) continue;
    if (!retained(key)) return bad_request("invalid patch format: $retainKeys must list every field of the patch");
  }
  retain_members(object.as_object(), [&](const std::string& key, Value&) { return retained(key); });
  return Unit{};
}

// The patch's elements come in the order that the directive lists them in.
Result<Unit> check_order(const Array& patch, const ElementIndex& places) {
  std::size_t next = 0;
  for (const Value& item : patch) {
    if (item.find(directive_key) != nullptr) continue;
    const std::size_t at = places.find(item);
    if (at == ElementIndex::none || at < next) return internal("the order in the patch does not match its $setElementOrder list");
    next = at + 1;
  }
  return Unit{};
}

// Merges an object with a patch of it.
class ObjectMerge {
 public:
  ObjectMerge(Value& object, Value& patch, const api::Type* type, WorkBudget& budget)
      : members_(object.as_object()), patch_(patch.as_object()), type_(type), budget_(budget) {}
  Result<Unit> run();

 private:
  Result<Unit> apply_order(const std::string& key, Value directive);
  Result<Unit> merge_member(const std::string& key, Value change, bool deletes);

  MemberEdits members_;
  Value::Object& patch_;
  const api::Type* type_;
  WorkBudget& budget_;
  std::set<std::string, std::less<>> ordered_;  // fields that a $setElementOrder has dealt with
};

Result<Unit> ObjectMerge::apply_order(const std::string& key, Value directive) {
  if (!directive.is_array()) return bad_request("invalid patch format: $setElementOrder is a list");
  TRY_ASSIGN(const std::string field, directed_field(key, order_prefix));
  Value* original = members_.find(field);
  Value* change = patch_.get(field);
  if ((original && !original->is_array()) || (change && !change->is_array()))
    return internal("$setElementOrder names a field that is no list: " + field);
  const Member member = find_member(type_, field);
  const ElementIndex places(directive.as_array(), member.merge_key);
  if (change && !directive.as_array().empty()) TRY(check_order(change->as_array(), places));
  const ElementIndex server(original ? original->as_array() : no_elements, member.merge_key);
  TRY(spend(budget_, {&places, &server}));
  Array merged;
  if (original && change) {
    TRY_ASSIGN(merged, merge_list(std::move(original->as_array()), std::move(change->as_array()), member, false, budget_));
  } else if (change) {
    remove_directives(*change);
    merged = std::move(change->as_array());
  } else if (original) {
    merged = std::move(original->as_array());
  } else {
    return Unit{};
  }
  members_.set(field, order_elements(std::move(merged), places, server));
  ordered_.insert(field);
  return Unit{};
}

Result<Unit> ObjectMerge::merge_member(const std::string& key, Value change, bool deletes) {
  if (change.is_null()) {
    members_.erase(key);
    return Unit{};
  }
  Value* current = members_.find(key);
  if (current == nullptr || current->kind() != change.kind() || !(change.is_object() || change.is_array())) {
    if (!deletes) take(members_, key, std::move(change));
    return Unit{};
  }
  const Member member = find_member(type_, key);
  if (change.is_object()) {
    if (!member.replaces) return merge_object(*current, std::move(change), member.type, budget_);
    *current = std::move(change);
    return Unit{};
  }
  TRY_ASSIGN(Array merged, merge_list(std::move(current->as_array()), std::move(change.as_array()), member, deletes, budget_));
  *current = std::move(merged);
  return Unit{};
}

Result<Unit> ObjectMerge::run() {
  for (auto& [key, value] : patch_)
    if (key.starts_with(order_prefix)) TRY(apply_order(key, std::move(value)));
  for (auto& [key, change] : patch_) {
    if (key == retain_keys_key || key.starts_with(order_prefix) || ordered_.contains(key)) continue;
    const bool deletes = key.starts_with(delete_list_prefix);
    std::string field = key;
    if (deletes) {
      TRY_ASSIGN(field, directed_field(key, delete_list_prefix));
    }
    TRY(merge_member(field, std::move(change), deletes));
  }
  members_.finish();
  return Unit{};
}

Result<Unit> merge_object(Value& object, Value patch, const api::Type* type, WorkBudget& budget) {
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
  return ObjectMerge(object, patch, type, budget).run();
}

}  // namespace

Result<Value> apply_strategic_patch(Value document, const Value& patch, const api::Type& type) {
  if (!patch.is_object()) return bad_request("invalid patch: a strategic merge patch is an object");
  if (!document.is_object()) document = Value::Object{};
  WorkBudget budget(strategic_patch_steps_max);
  TRY(merge_object(document, patch, &type, budget));
  return document;
}

}  // namespace pintle::apimachinery

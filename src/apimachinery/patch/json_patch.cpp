#include "apimachinery/patch/json_patch.h"

#include <algorithm>
#include <iterator>
#include <string>
#include <vector>

#include "apimachinery/patch/member_edits.h"
#include "apimachinery/patch/work_budget.h"
#include "base/parse_number.h"
#include "codec/bounded_json.h"
#include "codec/limits.h"

namespace pintle::apimachinery {
namespace {

using codec::Value;

constexpr std::string_view failed_test = " failed: test failed";

Unexpected<Status> unapplicable(std::string message) { return error(Reason::Invalid, std::move(message)); }

// The tokens of a JSON pointer. What stands before the first '/' is not looked at.
std::vector<std::string> split_pointer(std::string_view pointer) {
  std::vector<std::string> tokens;
  std::size_t slash = pointer.find('/');
  while (slash != std::string_view::npos) {
    pointer.remove_prefix(slash + 1);
    slash = pointer.find('/');
    std::string token;
    const std::string_view raw = pointer.substr(0, slash);
    for (std::size_t i = 0; i < raw.size(); ++i) {
      const bool escape = raw[i] == '~' && i + 1 < raw.size() && (raw[i + 1] == '0' || raw[i + 1] == '1');
      token += escape ? (raw[++i] == '0' ? '~' : '/') : raw[i];
    }
    tokens.push_back(std::move(token));
  }
  return tokens;
}

// An index into `size` elements, or into their gaps with `size` + 1.
Result<std::size_t> parse_index(std::string_view token, std::size_t size) {
  std::string_view digits = token;
  if (digits.starts_with('+')) digits.remove_prefix(1);
  const auto number = parse_number<int64_t>(digits);
  if (!number) return unapplicable("value was not a proper array index: '" + std::string(token) + "'");
  int64_t index = *number;
  if (index < 0) index += static_cast<int64_t>(size);
  if (index < 0 || index >= static_cast<int64_t>(size)) return unapplicable("array index out of range: " + std::string(token));
  return static_cast<std::size_t>(index);
}

// The member or element of a container; nullptr for a member that is not there.
Result<Value*> child_of(Value& container, const std::string& token) {
  if (container.is_object()) return container.find(token);
  auto& items = container.as_array();
  TRY_ASSIGN(const std::size_t index, parse_index(token, items.size()));
  return &items[index];
}

struct Place {
  Value* container;
  std::string token;
  std::size_t depth;  // of the container, the document's own being 1
};

// What it takes, in steps, to put something at a place of a container or to take it away: everything behind it moves.
constexpr std::size_t element_steps = 2;
constexpr std::size_t member_steps = 5;
std::size_t steps_behind(const Value::Object& members, std::string_view name) {
  const auto at = std::lower_bound(members.begin(), members.end(), name, [](const auto& member, std::string_view n) { return member.first < n; });
  return static_cast<std::size_t>(members.end() - at) * member_steps;
}

std::size_t count_values(const Value& value) {
  std::size_t n = 1;
  if (value.is_array())
    for (const Value& item : value.as_array()) n += count_values(item);
  if (value.is_object())
    for (const auto& [name, member] : value.as_object()) n += count_values(member);
  return n;
}

class Patcher {
 public:
  explicit Patcher(Value& document) : document_(document) {}
  Result<Unit> apply(const Value& operation);

 private:
  Result<Place> find(std::string_view pointer);
  Result<Unit> spend(std::size_t steps);
  Result<Unit> check_depth(const Place& place, const Value& value);
  Result<Unit> add(std::string_view pointer, Value value);
  Result<Value> remove(std::string_view pointer);
  Result<Unit> replace(std::string_view pointer, Value value);
  Result<Unit> test(std::string_view pointer, const Value* expected);
  Result<Unit> copy(std::string_view from, std::string_view pointer);

  Value& document_;
  WorkBudget budget_{json_patch_steps_max};
  std::size_t copied_bytes_ = 0;
};

Result<Unit> Patcher::spend(std::size_t steps) {
  budget_.spend(steps);
  return budget_.check("this patch");
}

// Of what is to stand in the container at `place`.
Result<Unit> Patcher::check_depth(const Place& place, const Value& value) {
  TRY(spend(count_values(value)));
  if (place.depth + static_cast<std::size_t>(codec::nesting_of(value)) <= static_cast<std::size_t>(codec::nesting_max)) return Unit{};
  return unapplicable("the document would be nested deeper than " + std::to_string(codec::nesting_max) + " levels");
}

Result<Place> Patcher::find(std::string_view pointer) {
  auto tokens = split_pointer(pointer);
  const auto missing = [&] { return unapplicable("the document is missing path: \"" + std::string(pointer) + "\""); };
  if (tokens.empty()) return missing();
  const auto holds = [](const Value* at) { return at != nullptr && (at->is_object() || at->is_array()); };
  Value* at = &document_;
  for (std::size_t i = 0; i + 1 < tokens.size(); ++i) {
    if (!holds(at)) return missing();
    const auto child = child_of(*at, tokens[i]);
    if (!child) return missing();
    at = *child;
  }
  if (!holds(at)) return missing();
  return Place{at, std::move(tokens.back()), tokens.size()};
}

Result<Unit> Patcher::add(std::string_view pointer, Value value) {
  TRY_ASSIGN(const Place place, find(pointer));
  TRY(check_depth(place, value));
  if (place.container->is_object()) {
    auto& members = place.container->as_object();
    if (Value* const there = members.get(place.token)) {
      *there = std::move(value);
      return Unit{};
    }
    TRY(spend(steps_behind(members, place.token)));
    members[place.token] = std::move(value);
    return Unit{};
  }
  auto& items = place.container->as_array();
  std::size_t index = items.size();
  if (place.token != "-") {
    TRY_ASSIGN(index, parse_index(place.token, items.size() + 1));
  }
  TRY(spend((items.size() - index) * element_steps));
  items.insert(items.begin() + static_cast<std::ptrdiff_t>(index), std::move(value));
  return Unit{};
}

Result<Value> Patcher::remove(std::string_view pointer) {
  TRY_ASSIGN(const Place place, find(pointer));
  TRY_ASSIGN(Value* const child, child_of(*place.container, place.token));
  if (child == nullptr) return unapplicable("unable to remove nonexistent key: " + place.token);
  Value removed = std::move(*child);
  if (place.container->is_object()) {
    TRY(spend(steps_behind(place.container->as_object(), place.token)));
    place.container->as_object().erase(place.token);
  } else {
    auto& items = place.container->as_array();
    TRY(spend(static_cast<std::size_t>(items.data() + items.size() - child) * element_steps));
    items.erase(items.begin() + (child - items.data()));
  }
  return removed;
}

Result<Unit> Patcher::replace(std::string_view pointer, Value value) {
  if (pointer.empty()) {
    if (!value.is_object() && !value.is_array()) return unapplicable("the whole document may be replaced by an object or array only");
    document_ = std::move(value);
    return Unit{};
  }
  TRY_ASSIGN(const Place place, find(pointer));
  TRY(check_depth(place, value));
  TRY_ASSIGN(Value* const child, child_of(*place.container, place.token));
  if (child == nullptr) TRY(spend(steps_behind(place.container->as_object(), place.token)));
  (child ? *child : (*place.container)[place.token]) = std::move(value);
  return Unit{};
}

Result<Unit> Patcher::test(std::string_view pointer, const Value* expected) {
  const Value* actual = &document_;
  if (!pointer.empty()) {
    TRY_ASSIGN(const Place place, find(pointer));
    TRY_ASSIGN(actual, child_of(*place.container, place.token));
  }
  const bool absent = actual == nullptr || actual->is_null();
  const bool none_expected = expected == nullptr || expected->is_null();
  if (absent ? none_expected : expected != nullptr && *actual == *expected) return Unit{};
  return unapplicable("testing value " + std::string(pointer) + std::string(failed_test));
}

Result<Unit> Patcher::copy(std::string_view from, std::string_view pointer) {
  TRY_ASSIGN(const Place source, find(from));
  TRY_ASSIGN(const Value* const original, child_of(*source.container, source.token));
  copied_bytes_ += sizeof(Value) + (original ? codec::memory_of(*original) : 0);
  if (copied_bytes_ > json_patch_copy_bytes_max) return unapplicable("the copy operations of this patch add too many bytes");
  return add(pointer, original ? *original : Value());
}

Result<Unit> Patcher::apply(const Value& operation) {
  const std::string_view op = operation.string_at("op");
  const Value* path = operation.find("path");
  const Value* from = operation.find("from");
  const Value* value = operation.find("value");
  const bool known = op == "add" || op == "remove" || op == "replace" || op == "move" || op == "copy" || op == "test";
  if (!known) return unapplicable("unexpected kind of operation: \"" + std::string(op) + "\"");
  if (!path || !path->is_string()) return unapplicable(std::string(op) + " operation has no path");
  const std::string& pointer = path->as_string();
  if ((op == "move" || op == "copy") && (!from || !from->is_string())) return unapplicable(std::string(op) + " operation has no from");

  if (op == "add") return add(pointer, value ? *value : Value());
  if (op == "replace") return replace(pointer, value ? *value : Value());
  if (op == "test") return test(pointer, value);
  if (op == "copy") return copy(from->as_string(), pointer);
  if (op == "move") {
    TRY_ASSIGN(Value moved, remove(from->as_string()));
    return add(pointer, std::move(moved));
  }
  TRY(remove(pointer));
  return Unit{};
}

// Members of value null inside what a merge patch brings are not brought.
void prune_nulls(Value& value) {
  if (value.is_array())
    for (Value& item : value.as_array()) prune_nulls(item);
  if (!value.is_object()) return;
  retain_members(value.as_object(), [](const std::string&, Value& member) {
    if (member.is_null()) return false;
    prune_nulls(member);
    return true;
  });
}

void merge_into(Value& document, const Value& patch) {
  MemberEdits members(document.as_object());
  for (const auto& [key, change] : patch.as_object()) {
    if (change.is_null()) {
      members.erase(key);
      continue;
    }
    Value* const current = members.find(key);
    if (current && current->is_object() && change.is_object()) {
      merge_into(*current, change);
      continue;
    }
    const bool keep_nulls = current && current->is_object();  // upstream prunes only what does not replace an object
    Value& member = members.set(key, change);
    if (!keep_nulls) prune_nulls(member);
  }
  members.finish();
}

}  // namespace

Result<Value> apply_json_patch(Value document, const Value& patch) {
  if (!patch.is_array()) return bad_request("error decoding patch: a JSON patch is an array of operations");
  const auto& operations = patch.as_array();
  for (const Value& operation : operations)
    if (!operation.is_object()) return bad_request("error decoding patch: each operation is an object");
  if (operations.size() > json_patch_operations_max)
    return error(Reason::RequestEntityTooLarge, "The allowed maximum operations in a JSON patch is " + std::to_string(json_patch_operations_max) +
                                                    ", got " + std::to_string(operations.size()));
  Patcher patcher(document);
  for (const Value& operation : operations) TRY(patcher.apply(operation));
  return document;
}

bool is_failed_test(const Status& refusal) { return refusal.reason == Reason::Invalid && refusal.message.ends_with(failed_test); }

Result<Value> apply_merge_patch(Value document, const Value& patch) {
  if (!patch.is_object()) return bad_request("Invalid JSON Patch: a merge patch is an object");
  if (!document.is_object()) document = Value::Object{};
  merge_into(document, patch);
  return document;
}

}  // namespace pintle::apimachinery

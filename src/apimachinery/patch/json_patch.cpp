#include "apimachinery/patch/json_patch.h"

#include <charconv>
#include <string>
#include <vector>

namespace pintle::apimachinery {
namespace {

using codec::Value;

std::unexpected<Status> unapplicable(std::string message) { return error(Reason::Invalid, std::move(message)); }

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
  int64_t index = 0;
  const auto [end, failed] = std::from_chars(digits.data(), digits.data() + digits.size(), index);
  if (failed != std::errc() || end != digits.data() + digits.size())
    return unapplicable("value was not a proper array index: '" + std::string(token) + "'");
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
};

class Patcher {
 public:
  explicit Patcher(Value& document) : document_(document) {}
  Result<Unit> apply(const Value& operation);

 private:
  Result<Place> find(std::string_view pointer) const;
  Result<Unit> add(std::string_view pointer, Value value);
  Result<Value> remove(std::string_view pointer);
  Result<Unit> replace(std::string_view pointer, Value value);
  Result<Unit> test(std::string_view pointer, const Value* expected);
  Result<Unit> copy(std::string_view from, std::string_view pointer);

  Value& document_;
  std::size_t copied_bytes_ = 0;
};

Result<Place> Patcher::find(std::string_view pointer) const {
  auto tokens = split_pointer(pointer);
  const auto missing = [&] { return unapplicable("the document is missing path: \"" + std::string(pointer) + "\""); };
  if (tokens.empty()) return missing();
  Value* at = &document_;
  for (std::size_t i = 0; i + 1 < tokens.size(); ++i) {
    const auto child = child_of(*at, tokens[i]);
    if (!child || *child == nullptr || !((*child)->is_object() || (*child)->is_array())) return missing();
    at = *child;
  }
  if (!at->is_object() && !at->is_array()) return missing();
  return Place{at, std::move(tokens.back())};
}

Result<Unit> Patcher::add(std::string_view pointer, Value value) {
  TRY_ASSIGN(const Place place, find(pointer));
  if (place.container->is_object()) {
    (*place.container)[place.token] = std::move(value);
    return Unit{};
  }
  auto& items = place.container->as_array();
  std::size_t index = items.size();
  if (place.token != "-") {
    TRY_ASSIGN(index, parse_index(place.token, items.size() + 1));
  }
  items.insert(items.begin() + static_cast<std::ptrdiff_t>(index), std::move(value));
  return Unit{};
}

Result<Value> Patcher::remove(std::string_view pointer) {
  TRY_ASSIGN(const Place place, find(pointer));
  TRY_ASSIGN(Value* const child, child_of(*place.container, place.token));
  if (child == nullptr) return unapplicable("unable to remove nonexistent key: " + place.token);
  Value removed = std::move(*child);
  if (place.container->is_object()) {
    place.container->as_object().erase(place.token);
  } else {
    auto& items = place.container->as_array();
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
  TRY_ASSIGN(Value* const child, child_of(*place.container, place.token));
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
  return unapplicable("testing value " + std::string(pointer) + " failed: test failed");
}

std::size_t approximate_bytes(const Value& value) {
  std::size_t bytes = 8;
  if (value.is_string()) bytes += value.as_string().size();
  if (value.is_array())
    for (const Value& item : value.as_array()) bytes += approximate_bytes(item);
  if (value.is_object())
    for (const auto& [key, member] : value.as_object()) bytes += key.size() + approximate_bytes(member);
  return bytes;
}

Result<Unit> Patcher::copy(std::string_view from, std::string_view pointer) {
  TRY_ASSIGN(const Place source, find(from));
  TRY_ASSIGN(const Value* const original, child_of(*source.container, source.token));
  Value value = original ? *original : Value();
  copied_bytes_ += approximate_bytes(value);
  if (copied_bytes_ > json_patch_copy_bytes_max) return unapplicable("the copy operations of this patch add too many bytes");
  return add(pointer, std::move(value));
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
  auto& members = value.as_object();
  for (auto it = members.begin(); it != members.end();) {
    if (it->second.is_null()) {
      it = members.erase(it);
    } else {
      prune_nulls(it->second);
      ++it;
    }
  }
}

void merge_into(Value& document, const Value& patch) {
  for (const auto& [key, change] : patch.as_object()) {
    if (change.is_null()) {
      document.as_object().erase(key);
      continue;
    }
    Value* current = document.find(key);
    if (current && current->is_object() && change.is_object()) {
      merge_into(*current, change);
      continue;
    }
    Value& member = current ? *current : document[key];
    const bool keep_nulls = current && current->is_object();   // upstream prunes only what does not replace an object
    member = change;
    if (!keep_nulls) prune_nulls(member);
  }
}

}  // namespace

Result<Value> apply_json_patch(Value document, const Value& patch) {
  if (!patch.is_array()) return bad_request("error decoding patch: a JSON patch is an array of operations");
  const auto& operations = patch.as_array();
  for (const Value& operation : operations)
    if (!operation.is_object()) return bad_request("error decoding patch: each operation is an object");
  if (operations.size() > json_patch_operations_max)
    return error(Reason::RequestEntityTooLarge, "The allowed maximum operations in a JSON patch is " +
                                                    std::to_string(json_patch_operations_max) + ", got " +
                                                    std::to_string(operations.size()));
  Patcher patcher(document);
  for (const Value& operation : operations) TRY(patcher.apply(operation));
  return document;
}

Result<Value> apply_merge_patch(Value document, const Value& patch) {
  if (!patch.is_object()) return bad_request("Invalid JSON Patch: a merge patch is an object");
  if (!document.is_object()) document = Value::Object{};
  merge_into(document, patch);
  return document;
}

}  // namespace pintle::apimachinery

#include "apimachinery/schema/default.h"

namespace pintle::apimachinery::schema {
namespace {

using codec::Value;

bool is_unwanted_null(const Value& value, const Node& schema) { return value.is_null() && !schema.nullable; }

class Filler {
 public:
  Result<Unit> fill(Value& value, const Node* schema) {
    if (schema == nullptr) return Unit{};
    if (value.is_array()) {
      for (Value& item : value.as_array()) {
        if (schema->items == nullptr) break;
        if (is_unwanted_null(item, *schema->items) && schema->items->default_value) TRY(copy(*schema->items->default_value, item));
        TRY(fill(item, schema->items));
      }
      return Unit{};
    }
    if (!value.is_object()) return Unit{};
    TRY(add_missing(value.as_object(), *schema));
    for (auto& [name, member] : value.as_object()) {
      const Node* declared = schema->property(name);
      if (declared == nullptr) {
        declared = schema->additional;
        if (declared != nullptr && declared->default_value != nullptr && is_unwanted_null(member, *declared))
          TRY(copy(*declared->default_value, member));
      }
      TRY(fill(member, declared));
    }
    return Unit{};
  }

 private:
  Result<Unit> add_missing(Value::Object& object, const Node& schema) {
    bool added = false;
    const std::size_t before = object.size();
    for (const Property& property : schema.properties) {
      const Value* literal = property.node->default_value;
      if (literal == nullptr) continue;
      // What was appended stands behind the first `before` members, unsorted, and has other names.
      Value* present = find(object, before, property.name);
      if (present == nullptr) {
        TRY(copy(*literal, object.append(property.name)));
        added = true;
      } else if (is_unwanted_null(*present, *property.node)) {
        TRY(copy(*literal, *present));
      }
    }
    if (added) object.sort_unique();
    return Unit{};
  }

  static Value* find(Value::Object& object, std::size_t n, std::string_view name) {
    const auto end = object.begin() + static_cast<std::ptrdiff_t>(n);
    const auto found = std::lower_bound(object.begin(), end, name, [](const auto& member, std::string_view key) { return member.first < key; });
    return found != end && found->first == name ? &found->second : nullptr;
  }

  Result<Unit> copy(const Value& from, Value& to) {
    bytes_ += bytes_of(from);
    if (bytes_ > default_bytes_max)
      return error(Reason::RequestEntityTooLarge,
                   "the defaults of the schema make the object larger than " + std::to_string(default_bytes_max) + " bytes");
    to = from;
    return Unit{};
  }
  static std::size_t bytes_of(const Value& value) {
    std::size_t bytes = sizeof(Value) + sizeof(std::string);
    if (value.is_string()) bytes += value.as_string().size();
    if (value.is_array())
      for (const Value& item : value.as_array()) bytes += bytes_of(item);
    if (value.is_object())
      for (const auto& [name, member] : value.as_object()) bytes += name.size() + bytes_of(member);
    return bytes;
  }

  std::size_t bytes_ = 0;
};

}  // namespace

Result<Unit> fill_defaults(Value& value, const Node* schema) { return Filler().fill(value, schema); }

}  // namespace pintle::apimachinery::schema

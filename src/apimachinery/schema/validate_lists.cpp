// Sets and maps: each item once.
#include <string>
#include <unordered_map>

#include "apimachinery/schema/place.h"
#include "apimachinery/schema/print.h"
#include "apimachinery/schema/validate.h"
#include "codec/json.h"

namespace pintle::apimachinery::schema {
namespace {

using codec::Value;

class ListValidator {
 public:
  ListValidator(const FieldPath& base, FieldErrors& errors) : base_text_(base.empty() ? "" : base.to_string()), errors_(errors) {}

  void visit(const Node& schema, const Value& value, const Place& place) {
    if (value.is_object()) {
      for (const auto& [name, member] : value.as_object()) {
        if (const Node* declared = schema.property(name)) {
          visit(*declared, member, place.child(name));
        } else if (schema.additional) {
          visit(*schema.additional, member, place.key(name));
        }
      }
    } else if (value.is_array()) {
      const Value::Array& items = value.as_array();
      if (schema.list_type == ListType::Set) visit_set(items, place);
      if (schema.list_type == ListType::Map) visit_map(schema, items, place);
      if (schema.items == nullptr) return;
      for (std::size_t i = 0; i < items.size(); ++i) visit(*schema.items, items[i], place.item(i));
    }
  }

 private:
  using Times = std::unordered_map<std::string, int>;

  static std::string text_of(const Value& value) {
    std::string text(1, static_cast<char>('0' + static_cast<int>(value.kind())));
    codec::append_json(value, text);
    return text;
  }
  // Of a value that comes several times, the second is told of.
  static bool is_second(Times& seen, std::string text) { return ++seen[std::move(text)] == 2; }

  void visit_set(const Value::Array& items, const Place& place) {
    if (items.size() < 2) return;
    Times seen;
    for (std::size_t i = 0; i < items.size(); ++i)
      if (is_second(seen, text_of(items[i]))) duplicate(place.item(i), items[i]);
  }

  void visit_map(const Node& schema, const Value::Array& items, const Place& place) {
    for (std::size_t i = 0; i < items.size(); ++i) {
      if (items[i].is_object() || items[i].is_null()) continue;
      const std::string text = place.item(i).text_under(base_text_);
      errors_.invalid(FieldPath(text), bad_value(items[i]), "must be an object for an array of list-type map");
      return;
    }
    if (items.size() < 2) return;
    steps_ += items.size() * schema.list_map_keys().size();
    if (steps_ > validation_steps_max) {
      const std::string text = place.text_under(base_text_);
      return errors_.invalid(FieldPath(text), "", "the keys of lists take more than " + std::to_string(validation_steps_max) + " steps to compare");
    }
    Times seen;
    for (std::size_t i = 0; i < items.size(); ++i) {
      Value key = Value::Object{};
      for (const std::string_view name : schema.list_map_keys())
        if (const Value* part = items[i].find(name)) key[name] = *part;
      if (is_second(seen, text_of(key))) duplicate(place.item(i), key);
    }
  }

  void duplicate(const Place& place, const Value& value) {
    if (errors_.full()) return errors_.leave_out();
    const std::string text = place.text_under(base_text_);
    errors_.duplicate(FieldPath(text), bad_value(value));
  }

  const std::string base_text_;
  FieldErrors& errors_;
  std::size_t steps_ = 0;
};

}  // namespace

void validate_lists(const Node& schema, const Value& value, const FieldPath& path, FieldErrors& errors) {
  ListValidator(path, errors).visit(schema, value, Place());
}

}  // namespace pintle::apimachinery::schema

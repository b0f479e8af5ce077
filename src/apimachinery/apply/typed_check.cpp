#include "apimachinery/apply/typed_check.h"

#include <fmt/format.h>

#include <unordered_set>
#include <utility>
#include <vector>

#include "apimachinery/apply/path_element.h"
#include "apimachinery/apply/value_cursor.h"
#include "codec/go_type.h"
#include "codec/json_text.h"

namespace pintle::apimachinery {
namespace {

using codec::Value;

// A value as Go prints it: with %v, or (`syntax`) with %#v.
void append_go(const Value& value, bool syntax, std::string& out) {
  switch (value.kind()) {
    case Value::Kind::Null: out += syntax ? "interface {}(nil)" : "<nil>"; return;
    case Value::Kind::Bool: out += value.as_bool() ? "true" : "false"; return;
    case Value::Kind::Int: codec::append_json_int(value.as_int(), out); return;
    case Value::Kind::Double: codec::append_json_double(value.as_double(), out); return;
    case Value::Kind::String: out += syntax ? codec::go_quote(value.as_string()) : std::string(value.as_string()); return;
    case Value::Kind::Array: {
      out += syntax ? "[]interface {}{" : "[";
      std::string_view between;
      for (const Value& item : value.as_array()) {
        out += std::exchange(between, syntax ? ", " : " ");
        append_go(item, syntax, out);
      }
      out += syntax ? '}' : ']';
      return;
    }
    case Value::Kind::Object: {
      out += syntax ? "map[string]interface {}{" : "map[";
      std::string_view between;
      for (const auto& [key, member] : value.as_object()) {
        out += std::exchange(between, syntax ? ", " : " ");
        out += syntax ? codec::go_quote(key) : key;
        out += ':';
        append_go(member, syntax, out);
      }
      out += syntax ? '}' : ']';
      return;
    }
  }
}

class Walk {
 public:
  explicit Walk(const SchemaView& schema) : schema_(schema) {}

  void value(SchemaNode node, const Value& value) {
    if (value.is_null() || full()) return;
    switch (schema_.holds(node)) {
      case Holds::Anything: return;
      case Holds::String:
        if (!value.is_string()) mismatch("string, got &value.valueUnstructured{Value:", value, true);
        return;
      case Holds::Boolean:
        if (!value.is_bool()) mismatch("boolean, got &{", value, false);
        return;
      case Holds::Number:
        if (!value.is_int() && !value.is_double()) tell(fmt::format("expected numeric (int or float), got {}", codec::go_type(value)));
        return;
      case Holds::List: return value.is_array() ? list(node, value) : mismatch("list, got &{", value, false);
      case Holds::Map: return value.is_object() ? map(node, value) : mismatch("map, got &{", value, false);
    }
  }

  std::string take() {
    if (problems_.size() <= 1) return problems_.empty() ? std::string() : std::move(problems_.front());
    return fmt::format("errors:\n  {}", fmt::join(problems_, "\n  "));
  }

 private:
  bool full() const { return problems_.size() >= typed_problems_max || bytes_ > typed_problems_bytes_max; }

  void tell(std::string_view what) {
    if (full()) return;
    problems_.push_back(path_.empty() ? std::string(what) : fmt::format("{}: {}", path_, what));
    bytes_ += problems_.back().size();
  }

  void mismatch(std::string_view expected, const Value& value, bool syntax) {
    std::string what = fmt::format("expected {}", expected);
    append_go(value, syntax, what);
    tell(what + '}');
  }

  void below(std::string_view element, SchemaNode node, const Value& value) {
    const std::size_t length = path_.size();
    path_element::append_path(element, path_);
    this->value(node, value);
    path_.resize(length);
  }

  void map(SchemaNode node, const Value& object) {
    const bool open = schema_.open(node);
    for (const auto& [name, member] : object.as_object()) {
      if (path_.empty() && (name == "apiVersion" || name == "kind")) continue;  // every kind has them, and who applies has looked at them
      bool named = false;
      const SchemaNode place = schema_.member(node, name, named);
      const std::string element = path_element::field(name);
      if (named || open) {
        below(element, place, member);
        continue;
      }
      const std::size_t length = path_.size();
      path_element::append_path(element, path_);
      tell("field not declared in schema");
      path_.resize(length);
      return;  // the first one ends the object, as upstream's does
    }
  }

  void list(SchemaNode node, const Value& array) {
    const Shape shape = schema_.shape(node);
    const SchemaNode place = schema_.element(node);
    const ValueCursor cursor(schema_, node, array);
    std::unordered_set<std::string> seen;
    for (std::size_t i = 0; i < array.as_array().size() && !full(); ++i) {
      const Value& item = array.as_array()[i];
      if (shape != Shape::KeyedList && shape != Shape::SetList) {
        below(path_element::index(i), place, item);
        continue;
      }
      const std::string why = shape == Shape::SetList ? no_member(item) : no_element(node, item);
      if (!why.empty()) {
        tell(fmt::format("element {}: {}", i, why));
        continue;
      }
      std::string key = cursor.element_key(i);
      if (seen.contains(key)) {
        std::string shown;
        path_element::append_path(key, shown);
        tell("duplicate entries for key " + shown);
      }
      below(key, place, item);
      seen.insert(std::move(key));
    }
  }

  // Why a value cannot be told apart in a set; "": it can.
  static std::string no_member(const Value& item) {
    if (item.is_object()) return "associative list without keys has an element that's a map type";
    if (item.is_array()) return "not supported: associative list with lists as elements";
    return item.is_null() ? "associative list without keys has an element that's an explicit null" : "";
  }

  std::string no_element(SchemaNode list, const Value& item) const {
    if (item.is_null()) return "associative list with keys may not have a null element";
    if (!item.is_object()) return "associative list with keys may not have non-map elements";
    std::vector<std::string> names;
    for (const std::string_view key : schema_.keys(list)) {
      if (item.find(key) != nullptr || !schema_.key_default(list, key).is_null()) return "";
      names.push_back(codec::go_quote(key));
    }
    return fmt::format(
        "associative list with keys has an element that omits all key fields [{}] (and doesn't have default values for any key fields)",
        fmt::join(names, " "));
  }

  const SchemaView& schema_;
  std::string path_;
  std::vector<std::string> problems_;
  std::size_t bytes_ = 0;
};

}  // namespace

std::string typed_problems(const SchemaView& schema, const Value& config) {
  Walk walk(schema);
  walk.value(schema.root(), config);
  return walk.take();
}

}  // namespace pintle::apimachinery

#include "apiserver/admission/policies/apply_configuration.h"

#include <fmt/format.h>

#include <set>

#include "api/object.h"
#include "api/untrusted.h"
#include "apimachinery/apply/merge.h"
#include "codec/json.h"
#include "codec/json_text.h"

namespace pintle::apiserver::admission::policies {

namespace cel = apimachinery::cel;
using apimachinery::SchemaNode;
using apimachinery::SchemaView;
using apimachinery::Shape;
using codec::Value;

namespace {

void check_names(const cel::Value& value, const std::string& path, cel::Arena& arena, std::string& errors) {
  if (value.is(cel::Value::Kind::List)) {
    for (std::size_t i = 0; i < value.as_list().size(); ++i) check_names(value.as_list().at(i, arena), path, arena, errors);
    return;
  }
  if (!value.is(cel::Value::Kind::Map)) return;
  const cel::Map& map = value.as_map();
  const cel::TypeRef type = map.object_type();
  if (type && type->name != path)
    errors += fmt::format("{}unexpected type name {}, expected {}, which matches field name path from root Object type", errors.empty() ? "" : "\n",
                          codec::go_quote(type->name), codec::go_quote(path));
  for (std::size_t i = 0; i < map.size(); ++i) {
    const cel::Value key = map.key_at(i, arena);
    const bool field = type && key.is(cel::Value::Kind::String);
    check_names(map.value_at(i, arena), field ? path + "." + std::string(key.text()) : path, arena, errors);
  }
}

// Goes over a configuration with its schema beside it, as upstream's typed values do.
class Check {
 public:
  Check(const SchemaView& schema, bool closed) : schema_(schema), closed_(closed) {}

  // Elements of lists stand in a path by their keys, in that of atomics by their index, as upstream's.
  struct Path {
    std::string text, indexed;
    Path field(std::string_view name) const { return {fmt::format("{}.{}", text, name), fmt::format("{}.{}", indexed, name)}; }
    Path element(std::string_view key, std::size_t i) const { return {text + std::string(key), fmt::format("{}[{}]", indexed, i)}; }
  };
  void at(SchemaNode node, const Value& value, const Path& path, bool root = false) {
    if (value.is_null()) return;
    switch (schema_.shape(node)) {
      case Shape::Leaf: return leaf(node, value, path);
      case Shape::Deduced: return;
      case Shape::Object: return object(node, value, path, root);
      case Shape::KeyedList:
      case Shape::SetList: return list(node, value, path);
    }
  }
  std::string errors() const {
    if (errors_.size() == 1) return errors_[0];
    std::string out;
    for (const std::string& one : errors_) out += "\n  " + one;
    return out.empty() ? out : "errors:" + out;
  }
  const std::string& atomics() const { return atomics_; }

 private:
  void fail(const Path& path, std::string_view why) {
    errors_.push_back(path.text.empty() ? std::string(why) : fmt::format("{}: {}", path.text, why));
  }
  // Of a typed schema: whether the schema tells what is in the container.
  bool described(SchemaNode node) const {
    if (!closed_) return true;
    const auto kind = static_cast<const api::Type*>(node.type)->kind;
    return kind == api::Kind::Struct || kind == api::Kind::Map || kind == api::Kind::List;
  }
  // What is owned as a whole, and what within it would be so again.
  void leaf(SchemaNode node, const Value& value, const Path& path) {
    if (!(value.is_object() || value.is_array()) || !described(node)) return;
    atomics_ += (atomics_.empty() ? "" : ", ") + path.indexed;
    if (value.is_object()) return members(node, value, path, false);
    for (std::size_t i = 0; i < value.as_array().size(); ++i) at(schema_.element(node), value.as_array()[i], path.element(fmt::format("[{}]", i), i));
  }

  void object(SchemaNode node, const Value& value, const Path& path, bool root) {
    if (!value.is_object()) return fail(path, "expected map, got " + shown(value));
    members(node, value, path, root);
  }
  void members(SchemaNode node, const Value& value, const Path& path, bool root) {
    for (const auto& [name, member] : value.as_object()) {
      if (root && (name == "apiVersion" || name == "kind")) continue;
      bool named = false;
      const SchemaNode below = schema_.member(node, name, named);
      if (closed_ && !named && below.type == nullptr) return fail(path.field(name), "field not declared in schema");  // and no more of this object
      at(below, member, path.field(name));
    }
  }
  void list(SchemaNode node, const Value& value, const Path& path) {
    if (!value.is_array()) return fail(path, "expected list, got " + shown(value));
    std::set<std::string> seen;
    for (std::size_t i = 0; i < value.as_array().size(); ++i) {
      const Value& item = value.as_array()[i];
      std::string element;
      const std::string why = schema_.shape(node) == Shape::KeyedList ? key_of(node, item, element) : member_of(item, element);
      if (!why.empty()) return fail(path, fmt::format("element {}: {}", i, why));
      if (!seen.insert(element).second) fail(path, "duplicate entries for key " + element);
      at(schema_.element(node), item, path.element(element, i));
    }
  }
  // "[name=\"a\",protocol=\"TCP\"]"
  std::string key_of(SchemaNode node, const Value& item, std::string& element) const {
    if (item.is_null()) return "associative list with keys may not have a null element";
    if (!item.is_object()) return "associative list with keys may not have non-map elements";
    std::string quoted;
    for (const std::string_view key : schema_.keys(node)) {
      quoted += (quoted.empty() ? "" : " ") + codec::go_quote(key);
      const Value* stated = item.find(key);
      const Value value = stated ? *stated : default_of(node, key);
      if (!stated && value.is_null()) continue;
      element += fmt::format("{}{}={}", element.empty() ? "" : ",", key, codec::to_json(value));
    }
    if (element.empty())
      return fmt::format(
          "associative list with keys has an element that omits all key fields [{}] (and doesn't have default values for any key fields)", quoted);
    element = "[" + element + "]";
    return {};
  }
  // A text that is always written has the default "" in upstream's schemas.
  Value default_of(SchemaNode list, std::string_view key) const {
    Value stated = schema_.key_default(list, key);
    if (!closed_ || !stated.is_null()) return stated;
    const auto* element = static_cast<const api::Type*>(schema_.element(list).type);
    const api::Field* field = element ? element->find_field(key) : nullptr;
    return field && field->type->kind == api::Kind::String && !field->omit_empty ? Value("") : Value();
  }
  static std::string member_of(const Value& item, std::string& element) {
    if (item.is_object()) return "associative list without keys has an element that's a map type";
    if (item.is_array()) return "not supported: associative list with lists as elements";
    if (item.is_null()) return "associative list without keys has an element that's an explicit null";
    element = "[=" + codec::to_json(item) + "]";
    return {};
  }
  static std::string shown(const Value& value) {
    constexpr std::size_t shown_bytes_max = 200;
    return codec::to_json(value).substr(0, shown_bytes_max);
  }

  const SchemaView& schema_;
  const bool closed_;
  std::vector<std::string> errors_;
  std::string atomics_;
};

}  // namespace

std::string check_type_names(const cel::Value& value, cel::Arena& arena) {
  std::string errors;
  const bool object = value.is(cel::Value::Kind::Map) && value.as_map().object_type();
  if (object) check_names(value, std::string(value.as_map().object_type()->name), arena, errors);
  return errors.empty() ? errors : "type mismatch: " + errors;
}

Result<Value> apply_configuration(const SchemaView& schema, const api::Type* type, const Value& live, Value config) {
  Check check(schema, type != nullptr);
  check.at(schema.root(), config, {}, true);
  std::string why = check.errors();
  if (why.empty() && type != nullptr) {
    api::Object probe(*type);
    if (const auto read = api::decode_untrusted_value(config, *type, probe.data()); !read) {
      if (read.error().reason == Reason::RequestEntityTooLarge) return Unexpected(read.error());
      why = read.error().message;
    }
  }
  if (!why.empty()) return bad_request("error applying patch: failed to convert patch object to typed object: " + why);
  if (!check.atomics().empty())
    return bad_request("error applying patch: invalid ApplyConfiguration: may not mutate atomic arrays, maps or structs: " + check.atomics());
  if (config.is_object()) {
    config.as_object().erase("apiVersion");
    config.as_object().erase("kind");
  }
  auto merged = apimachinery::merge_config(schema, live, config);
  if (!merged) return bad_request("error applying patch: failed to merge patch: " + merged.error().message);
  return merged;
}

}  // namespace pintle::apiserver::admission::policies

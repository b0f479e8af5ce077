// StructuralSchema: what a CustomResourceDefinition says of the objects of one version, compiled once and then shared and never changed.
// A tree of small nodes whose texts are kept once each: memory is proportional to the schema's bytes. Everything else in this folder walks
// it along with an object. Nodes, views and values live as long as the schema.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "api/gen/apiextensions_v1.h"
#include "apimachinery/schema/formats.h"
#include "base/status.h"
#include "codec/limits.h"
#include "codec/value.h"

namespace re2 {
class RE2;
}  // namespace re2

namespace pintle::apimachinery::schema {

// A schema beyond one of these is not compiled (Invalid). What a request may carry (codec/limits.h) stops before: 36,000 nodes.
constexpr int schema_depth_max = codec::nesting_max;
constexpr std::size_t schema_nodes_max = 100'000;
constexpr std::size_t schema_bytes_max = 32 << 20;

enum class ValueType : uint8_t { Any, Object, Array, String, Integer, Number, Boolean };
enum class ListType : uint8_t { Unset, Atomic, Set, Map };
enum class MapType : uint8_t { Unset, Granular, Atomic };

// "object" and so on; "" for Any. The other way, nullopt is no type of a schema.
std::string_view type_name(ValueType type);
std::optional<ValueType> parse_type(std::string_view name);

struct Node;

struct Property {
  std::string_view name;
  const Node* node;
};

// A regular expression of Go's syntax. Compiled when first asked, as definitions bring thousands that no object meets; thread-safe.
class Pattern {
 public:
  explicit Pattern(std::string_view text) : text_(text) {}
  Pattern(const Pattern&) = delete;
  ~Pattern();
  std::string_view text() const { return text_; }
  // Somewhere in `value`; false too where the text is no regular expression.
  bool matches(std::string_view value) const;

 private:
  const re2::RE2& compiled() const;
  std::string_view text_;
  mutable std::atomic<const re2::RE2*> compiled_ = nullptr;
};

// Bounds of numbers; absent ones are left out of the sum by `has`.
struct Bounds {
  std::optional<double> maximum, minimum, multiple_of;
  bool exclusive_maximum = false, exclusive_minimum = false;
};
// Bounds of lengths: characters, items, members.
struct Sizes {
  std::optional<int64_t> max_length, min_length, max_items, min_items, max_properties, min_properties;
  bool unique_items = false;
};
// Whole schemas that the value is held against too. They declare nothing: pruning and defaults do not see them.
struct Junctors {
  std::span<const Node> all_of, any_of, one_of;
  const Node* not_ = nullptr;
};
enum class NumberFormat : uint8_t { None, Int32, Int64, Float, Double };
// What a value must be beyond its type. Absent parts are null.
struct Restrictions {
  std::string_view format;               // as given
  StringFormat string_format = nullptr;  // what of it is enforced, which depends on the type
  NumberFormat number_format = NumberFormat::None;
  bool enforces_format() const { return string_format != nullptr || number_format != NumberFormat::None; }
  std::span<const std::string_view> required;
  std::span<const codec::Value> enumeration;
  const Pattern* pattern = nullptr;
  const Bounds* bounds = nullptr;
  const Sizes* sizes = nullptr;
  const Junctors* junctors = nullptr;
};

// x-kubernetes-validations, for who evaluates CEL.
struct Rule {
  std::string_view rule, message, message_expression, field_path;
  std::optional<std::string_view> reason;
  std::optional<bool> optional_old_self;
};

// What few nodes have.
struct Extras {
  std::string_view title;
  std::span<const std::string_view> list_map_keys;         // as given
  std::span<const std::string_view> sorted_list_map_keys;  // by name
  std::span<const Rule> rules;
  const codec::Value* example = nullptr;
  bool has_external_docs = false;
  std::string_view external_docs_description, external_docs_url;
};

struct Node {
  ValueType type = ValueType::Any;
  ListType list_type = ListType::Unset;
  MapType map_type = MapType::Unset;
  bool nullable : 1 = false;
  bool preserve_unknown : 1 = false;
  bool embedded_resource : 1 = false;
  bool int_or_string : 1 = false;
  bool has_additional : 1 = false;       // additionalProperties is given
  bool allows_additional : 1 = false;    // it is true or a schema
  std::span<const Property> properties;  // sorted by name
  const Node* items = nullptr;
  const Node* additional = nullptr;  // the schema of additionalProperties
  const codec::Value* default_value = nullptr;
  std::string_view description;
  const Restrictions* restrictions = nullptr;
  const Extras* extras = nullptr;

  // Declared by `properties`; nullptr: it is not.
  const Node* property(std::string_view name) const;
  // Declared by `properties` or else by additionalProperties.
  const Node* member(std::string_view name) const {
    const Node* found = property(name);
    return found ? found : additional;
  }
  std::span<const std::string_view> list_map_keys() const { return extras ? extras->list_map_keys : std::span<const std::string_view>(); }
  std::span<const Rule> rules() const { return extras ? extras->rules : std::span<const Rule>(); }
};

class StructuralSchema {
 public:
  // `props` need not be structural (structural_rules.h), but must keep off what no structural schema can say: $ref, id, $schema,
  // definitions, dependencies, patternProperties, additionalItems, a list of items, an unknown type (Invalid). Defaults are pruned.
  static Result<std::shared_ptr<const StructuralSchema>> compile(const api::apiextensions_v1::JSONSchemaProps& props);

  StructuralSchema(const StructuralSchema&) = delete;
  ~StructuralSchema();

  const Node& root() const { return *root_; }
  std::size_t nodes() const { return nodes_; }
  // Of all that the schema holds, compiled patterns aside.
  std::size_t memory_bytes() const;

 private:
  class Arena;
  class Compiler;
  StructuralSchema();
  std::unique_ptr<Arena> arena_;
  const Node* root_ = nullptr;
  std::size_t nodes_ = 0;
};

}  // namespace pintle::apimachinery::schema

#include "apimachinery/schema/structural_schema.h"

#include <algorithm>
#include <deque>
#include <new>
#include <type_traits>
#include <unordered_map>
#include <vector>

#include <re2/re2.h>

#include "apimachinery/schema/prune.h"
#include "codec/json.h"

namespace pintle::apimachinery::schema {
namespace {

namespace v1 = api::apiextensions_v1;

constexpr std::string_view type_names[] = {"", "object", "array", "string", "integer", "number", "boolean"};

NumberFormat number_format(ValueType type, std::string_view format) {
  if (type == ValueType::Integer) return format == "int32" ? NumberFormat::Int32 : format == "int64" ? NumberFormat::Int64 : NumberFormat::None;
  if (type == ValueType::Number) return format == "float" ? NumberFormat::Float : format == "double" ? NumberFormat::Double : NumberFormat::None;
  return NumberFormat::None;
}

std::size_t bytes_of(const codec::Value& value) {
  std::size_t bytes = sizeof(codec::Value);
  if (value.is_string()) {
    bytes += value.as_string().capacity() > 15 ? value.as_string().capacity() + 1 : 0;
  } else if (value.is_array()) {
    for (const codec::Value& item : value.as_array()) bytes += bytes_of(item);
  } else if (value.is_object()) {
    for (const auto& [name, member] : value.as_object())
      bytes += sizeof(std::string) + (name.capacity() > 15 ? name.capacity() + 1 : 0) + bytes_of(member);
  }
  return bytes;
}

}  // namespace

std::string_view type_name(ValueType type) { return type_names[static_cast<std::size_t>(type)]; }

std::optional<ValueType> parse_type(std::string_view name) {
  const auto found = std::ranges::find(type_names, name);
  if (found == std::end(type_names)) return std::nullopt;
  return static_cast<ValueType>(found - std::begin(type_names));
}

Pattern::~Pattern() { delete compiled_.load(std::memory_order_acquire); }

const re2::RE2& Pattern::compiled() const {
  if (const re2::RE2* ready = compiled_.load(std::memory_order_acquire)) return *ready;
  auto made = std::make_unique<const re2::RE2>(re2::StringPiece(text_.data(), text_.size()), re2::RE2::Quiet);
  const re2::RE2* before = nullptr;
  if (!compiled_.compare_exchange_strong(before, made.get(), std::memory_order_acq_rel)) return *before;
  return *made.release();
}

bool Pattern::matches(std::string_view value) const {
  const re2::RE2& expression = compiled();
  return expression.ok() && re2::RE2::PartialMatch(re2::StringPiece(value.data(), value.size()), expression);
}

const Node* Node::property(std::string_view name) const {
  const auto found = std::ranges::lower_bound(properties, name, {}, &Property::name);
  return found != properties.end() && found->name == name ? found->node : nullptr;
}

// Chunks for what needs no destructor, and the values and patterns that do.
class StructuralSchema::Arena {
 public:
  template <class T>
  std::span<T> make(std::size_t n) {
    static_assert(std::is_trivially_destructible_v<T>);
    if (n == 0) return {};
    T* first = static_cast<T*>(take(n * sizeof(T), alignof(T)));
    for (std::size_t i = 0; i < n; ++i) new (first + i) T();
    return {first, n};
  }
  std::string_view text(std::string_view text) {
    if (text.empty()) return {};
    char* at = static_cast<char*>(take(text.size(), 1));
    std::ranges::copy(text, at);
    return {at, text.size()};
  }
  std::span<codec::Value> values(std::size_t n) {
    auto& made = values_.emplace_back(std::make_unique<codec::Value[]>(n));
    bytes_ += n * sizeof(codec::Value);
    return {made.get(), n};
  }
  const Pattern* pattern(std::string_view text) {
    bytes_ += sizeof(Pattern);
    return &patterns_.emplace_back(text);
  }
  void count(std::size_t bytes) { bytes_ += bytes; }
  std::size_t bytes() const { return bytes_; }

 private:
  static constexpr std::size_t chunk_bytes_min = 1 << 10, chunk_bytes_max = 64 << 10;

  void* take(std::size_t bytes, std::size_t alignment) {
    used_ = (used_ + alignment - 1) / alignment * alignment;
    if (used_ + bytes > capacity_) {
      // Chunks grow with the schema, so that a small one takes little.
      capacity_ = std::max(bytes, std::clamp(bytes_ / 2, chunk_bytes_min, chunk_bytes_max));
      chunks_.push_back(std::make_unique_for_overwrite<std::byte[]>(capacity_));
      bytes_ += capacity_;
      used_ = 0;
    }
    void* at = chunks_.back().get() + used_;
    used_ += bytes;
    return at;
  }

  std::vector<std::unique_ptr<std::byte[]>> chunks_;
  std::size_t capacity_ = 0, used_ = 0, bytes_ = 0;
  std::vector<std::unique_ptr<codec::Value[]>> values_;
  std::deque<Pattern> patterns_;
};

class StructuralSchema::Compiler {
 public:
  explicit Compiler(StructuralSchema& schema) : schema_(schema), arena_(*schema.arena_) {}

  Result<const Node*> compile(const v1::JSONSchemaProps& props) {
    const std::span<Node> root = arena_.make<Node>(1);
    TRY(fill(props, root[0], 0));
    for (const auto& [node, value] : defaults_) prune(*value, node, Position::Inside);
    for (const auto& [node, value] : defaults_) arena_.count(bytes_of(*value));
    return &root[0];
  }

 private:
  using Props = v1::JSONSchemaProps;

  Result<Unit> fill(const Props& props, Node& node, int depth) {
    if (depth > schema_depth_max) return refuse("is nested more than " + std::to_string(schema_depth_max) + " levels deep");
    if (++schema_.nodes_ > schema_nodes_max) return refuse("has more than " + std::to_string(schema_nodes_max) + " parts");
    if (arena_.bytes() > schema_bytes_max) return refuse("takes more than " + std::to_string(schema_bytes_max) + " bytes of memory");
    TRY(check_supported(props));
    TRY(fill_generic(props, node));
    TRY(fill_restrictions(props, node, depth));
    fill_extras(props, node);
    if (props.items && props.items->schema) {
      TRY_ASSIGN(node.items, make(*props.items->schema, depth));
    }
    if (props.additional_properties) {
      node.has_additional = true;
      node.allows_additional = props.additional_properties->allows || props.additional_properties->schema;
      if (props.additional_properties->schema) {
        TRY_ASSIGN(node.additional, make(*props.additional_properties->schema, depth));
      }
    }
    const std::span<Property> properties = arena_.make<Property>(props.properties.size());
    std::size_t i = 0;
    for (const auto& [name, property] : props.properties) {
      properties[i].name = intern(name);
      TRY_ASSIGN(properties[i].node, make(property, depth));
      ++i;
    }
    node.properties = properties;
    return Unit{};
  }

  Result<const Node*> make(const Props& props, int depth) {
    Node& node = arena_.make<Node>(1)[0];
    TRY(fill(props, node, depth + 1));
    return &node;
  }

  Result<std::span<const Node>> make_all(const std::vector<Props>& list, int depth) {
    const std::span<Node> nodes = arena_.make<Node>(list.size());
    for (std::size_t i = 0; i < list.size(); ++i) TRY(fill(list[i], nodes[i], depth + 1));
    return std::span<const Node>(nodes);
  }

  Result<Unit> check_supported(const Props& props) {
    const auto unsupported = [](std::string_view field) { return refuse("has '" + std::string(field) + "', which is not supported"); };
    if (!props.id.empty()) return unsupported("id");
    if (!props.schema.empty()) return unsupported("$schema");
    if (props.ref && !props.ref->empty()) return unsupported("$ref");
    if (!props.pattern_properties.empty()) return unsupported("patternProperties");
    if (!props.dependencies.empty()) return unsupported("dependencies");
    if (props.additional_items) return unsupported("additionalItems");
    if (!props.definitions.empty()) return unsupported("definitions");
    if (props.items && !props.items->json_schemas.empty()) return refuse("has a list of schemas for 'items', where one is supported");
    return Unit{};
  }

  Result<Unit> fill_generic(const Props& props, Node& node) {
    const auto type = parse_type(props.type);
    if (!type) return refuse("has the unknown type '" + props.type + "'");
    node.type = *type;
    node.nullable = props.nullable;
    node.preserve_unknown = props.x_kubernetes_preserve_unknown_fields.value_or(false);
    node.embedded_resource = props.x_kubernetes_embedded_resource;
    node.int_or_string = props.x_kubernetes_int_or_string;
    node.description = intern(props.description);
    if (props.x_kubernetes_list_type) {
      const std::string& kind = *props.x_kubernetes_list_type;
      node.list_type = kind == "set" ? ListType::Set : kind == "map" ? ListType::Map : ListType::Atomic;
    }
    if (props.x_kubernetes_map_type) node.map_type = *props.x_kubernetes_map_type == "atomic" ? MapType::Atomic : MapType::Granular;
    if (props.default_) {
      TRY_ASSIGN(codec::Value * value, make_value(*props.default_));
      if (!value->is_null()) {
        node.default_value = value;
        defaults_.emplace_back(&node, value);
      }
    }
    return Unit{};
  }

  Result<codec::Value*> make_value(const api::Json& json) {
    const std::span<codec::Value> made = arena_.values(1);
    TRY(read_value(json, made[0]));
    return &made[0];
  }
  static Result<Unit> read_value(const api::Json& json, codec::Value& out) {
    if (json.raw.empty()) return Unit{};
    TRY_ASSIGN(out, codec::parse_json(json.raw));
    return Unit{};
  }

  Result<Unit> fill_restrictions(const Props& props, Node& node, int depth) {
    Restrictions made;
    made.format = intern(props.format);
    if (node.type == ValueType::Any || node.type == ValueType::String || node.int_or_string) {
      made.string_format = find_string_format(props.format);
    } else {
      made.number_format = number_format(node.type, props.format);
    }
    made.required = intern_all(props.required);
    if (!props.enum_.empty()) {
      const std::span<codec::Value> values = arena_.values(props.enum_.size());
      for (std::size_t i = 0; i < values.size(); ++i) {
        TRY(read_value(props.enum_[i], values[i]));
        arena_.count(bytes_of(values[i]) - sizeof(codec::Value));
      }
      made.enumeration = values;
    }
    if (!props.pattern.empty()) {
      const std::string_view text = intern(props.pattern);
      const Pattern*& pattern = patterns_[text];
      if (pattern == nullptr) pattern = arena_.pattern(text);
      made.pattern = pattern;
    }
    if (props.maximum || props.minimum || props.multiple_of) {
      Bounds& bounds = arena_.make<Bounds>(1)[0];
      bounds = {props.maximum, props.minimum, props.multiple_of, props.exclusive_maximum, props.exclusive_minimum};
      made.bounds = &bounds;
    }
    if (props.max_length || props.min_length || props.max_items || props.min_items || props.max_properties || props.min_properties ||
        props.unique_items) {
      Sizes& sizes = arena_.make<Sizes>(1)[0];
      sizes = {props.max_length, props.min_length, props.max_items, props.min_items, props.max_properties, props.min_properties, props.unique_items};
      made.sizes = &sizes;
    }
    if (!props.all_of.empty() || !props.any_of.empty() || !props.one_of.empty() || props.not_) {
      Junctors& junctors = arena_.make<Junctors>(1)[0];
      TRY_ASSIGN(junctors.all_of, make_all(props.all_of, depth));
      TRY_ASSIGN(junctors.any_of, make_all(props.any_of, depth));
      TRY_ASSIGN(junctors.one_of, make_all(props.one_of, depth));
      if (props.not_) {
        TRY_ASSIGN(junctors.not_, make(*props.not_, depth));
      }
      made.junctors = &junctors;
    }
    const bool any = !made.format.empty() || !made.required.empty() || !made.enumeration.empty() || made.pattern != nullptr ||
                     made.bounds != nullptr || made.sizes != nullptr || made.junctors != nullptr;
    if (!any) return Unit{};
    Restrictions& kept = arena_.make<Restrictions>(1)[0];
    kept = made;
    node.restrictions = &kept;
    return Unit{};
  }

  void fill_extras(const Props& props, Node& node) {
    if (props.title.empty() && props.x_kubernetes_list_map_keys.empty() && props.x_kubernetes_validations.empty() && !props.example &&
        !props.external_docs)
      return;
    Extras& extras = arena_.make<Extras>(1)[0];
    node.extras = &extras;
    extras.title = intern(props.title);
    extras.list_map_keys = intern_all(props.x_kubernetes_list_map_keys);
    const std::span<std::string_view> sorted = arena_.make<std::string_view>(extras.list_map_keys.size());
    std::ranges::copy(extras.list_map_keys, sorted.begin());
    std::ranges::sort(sorted);
    extras.sorted_list_map_keys = sorted;
    const std::span<Rule> rules = arena_.make<Rule>(props.x_kubernetes_validations.size());
    for (std::size_t i = 0; i < rules.size(); ++i) {
      const v1::ValidationRule& from = props.x_kubernetes_validations[i];
      rules[i] = {intern(from.rule),       intern(from.message), intern(from.message_expression),
                  intern(from.field_path), std::nullopt,         from.optional_old_self};
      if (from.reason) rules[i].reason = intern(*from.reason);
    }
    extras.rules = rules;
    if (props.example) {
      // An example that cannot be read is none: nothing depends on it.
      if (auto made = make_value(*props.example); made && !(*made)->is_null()) extras.example = *made;
    }
    if (props.external_docs) {
      extras.has_external_docs = true;
      extras.external_docs_description = intern(props.external_docs->description);
      extras.external_docs_url = intern(props.external_docs->url);
    }
  }

  std::string_view intern(std::string_view text) {
    if (text.empty()) return {};
    if (const auto found = texts_.find(text); found != texts_.end()) return found->second;
    const std::string_view kept = arena_.text(text);
    texts_.emplace(kept, kept);
    return kept;
  }
  std::span<const std::string_view> intern_all(const std::vector<std::string>& texts) {
    const std::span<std::string_view> kept = arena_.make<std::string_view>(texts.size());
    for (std::size_t i = 0; i < texts.size(); ++i) kept[i] = intern(texts[i]);
    return kept;
  }

  static Unexpected<Status> refuse(std::string why) { return error(Reason::Invalid, "the schema " + std::move(why)); }

  StructuralSchema& schema_;
  Arena& arena_;
  std::unordered_map<std::string_view, std::string_view> texts_;
  std::unordered_map<std::string_view, const Pattern*> patterns_;
  std::vector<std::pair<const Node*, codec::Value*>> defaults_;
};

StructuralSchema::StructuralSchema() : arena_(std::make_unique<Arena>()) {}
StructuralSchema::~StructuralSchema() = default;

std::size_t StructuralSchema::memory_bytes() const { return sizeof(StructuralSchema) + sizeof(Arena) + arena_->bytes(); }

Result<std::shared_ptr<const StructuralSchema>> StructuralSchema::compile(const v1::JSONSchemaProps& props) {
  std::shared_ptr<StructuralSchema> schema(new StructuralSchema());
  TRY_ASSIGN(schema->root_, Compiler(*schema).compile(props));
  return std::shared_ptr<const StructuralSchema>(std::move(schema));
}

}  // namespace pintle::apimachinery::schema

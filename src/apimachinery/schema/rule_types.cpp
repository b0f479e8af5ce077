#include "apimachinery/schema/rule_types.h"

#include <algorithm>
#include <array>
#include <optional>

#include "apimachinery/cel/cost.h"

namespace pintle::apimachinery::schema {
namespace {

constexpr std::array<std::string_view, 21> reserved{"true",     "false",   "null",      "in",       "as",  "break",  "const",
                                                    "continue", "else",    "for",       "function", "if",  "import", "let",
                                                    "loop",     "package", "namespace", "return",   "var", "void",   "while"};

constexpr auto request_max = static_cast<int64_t>(cel::request_bytes_max);
// Of JSON texts, with their quotes.
constexpr int64_t text_min = 2, boolean_min = 4, number_min = 1, duration_min = 3, duration_max = 32, date_size = 12, time_min = 21, time_max = 32;
constexpr int64_t text_max = request_max - 2;

bool is_type_member(std::string_view name) { return name == "metadata" || name == "apiVersion" || name == "kind"; }

int64_t not_negative(int64_t size) { return std::max<int64_t>(size, 0); }

}  // namespace

std::string escaped_name(std::string_view name) {
  if (name.empty() || !(name[0] == '_' || (name[0] >= 'a' && name[0] <= 'z') || (name[0] >= 'A' && name[0] <= 'Z'))) return {};
  if (std::ranges::find(reserved, name) != reserved.end()) return "__" + std::string(name) + "__";
  std::string out;
  for (std::size_t i = 0; i < name.size(); ++i) {
    const char c = name[i];
    if (c == '_' && i + 1 < name.size() && name[i + 1] == '_') {
      out += "__underscores__";
      ++i;
    } else if (c == '.') {
      out += "__dot__";
    } else if (c == '-') {
      out += "__dash__";
    } else if (c == '/') {
      out += "__slash__";
    } else if (c == '_' || (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z')) {
      out += c;
    } else {
      return {};
    }
  }
  return out;
}

const RuleTypes::Declared& RuleTypes::of(const Node& node, bool root) {
  if (const auto known = known_.find(&node); known != known_.end()) return known->second;
  const Declared made = declare(node, root || node.embedded_resource);
  if (made.type != nullptr) bytes_[made.type] = made.json_bytes_min;
  return known_[&node] = made;
}

uint64_t RuleTypes::json_bytes_min(cel::TypeRef type) const {
  const auto known = bytes_.find(type);
  return known == bytes_.end() ? 1 : static_cast<uint64_t>(std::max<int64_t>(known->second, 1));
}

uint64_t RuleTypes::json_bytes_min(const Node& node) const {
  const auto known = known_.find(&node);
  return known == known_.end() ? 1 : static_cast<uint64_t>(std::max<int64_t>(known->second.json_bytes_min, 1));
}

cel::TypeRef RuleTypes::sized(cel::TypeRef type, int64_t size_max) {
  cel::Type& made = types_.add(*type);
  made.size_max = static_cast<uint64_t>(size_max);
  return &made;
}

RuleTypes::Declared RuleTypes::declare(const Node& node, bool root) {
  const Sizes* sizes = node.restrictions ? node.restrictions->sizes : nullptr;
  if (node.int_or_string) return {sized(&cel::types::dyn, sizes && sizes->max_length ? not_negative(*sizes->max_length) * 4 : text_max), number_min};
  switch (node.type) {
    case ValueType::Any: return {};
    case ValueType::Boolean: return {sized(&cel::types::boolean, 0), boolean_min};
    case ValueType::Integer: return {sized(&cel::types::integer, 0), number_min};
    case ValueType::Number: return {sized(&cel::types::floating, 0), number_min};
    case ValueType::String: return declare_text(node);
    case ValueType::Object: return declare_object(node, root);
    case ValueType::Array: break;
  }
  const Declared item = node.items ? of(*node.items, false) : Declared();
  if (item.type == nullptr) return {};
  cel::Type& made = types_.add(*types_.list(item.type));
  // Without a bound of its own, as many as fit into a request.
  const int64_t items = sizes && sizes->max_items ? not_negative(*sizes->max_items) : (request_max - 2) / (item.json_bytes_min + 1);
  made.size_max = static_cast<uint64_t>(items);
  if (node.list_type == ListType::Set) made.semantics = cel::ListSemantics::Set;
  if (node.list_type == ListType::Map) made.semantics = cel::ListSemantics::Map;
  for (const std::string_view key : node.list_map_keys()) made.list_keys.emplace_back(key);
  return {&made, text_min};
}

RuleTypes::Declared RuleTypes::declare_text(const Node& node) {
  const std::string_view format = node.restrictions ? node.restrictions->format : std::string_view();
  const Sizes* sizes = node.restrictions ? node.restrictions->sizes : nullptr;
  const auto length = sizes && sizes->max_length ? std::optional(not_negative(*sizes->max_length)) : std::nullopt;
  if (format == "byte") return {sized(&cel::types::bytes, length.value_or(text_max)), text_min};
  if (format == "duration") return {sized(&cel::types::duration, duration_max), duration_min};
  if (format == "date") return {sized(&cel::types::timestamp, date_size), date_size};
  if (format == "date-time") return {sized(&cel::types::timestamp, time_max), time_min};
  if (length) return {sized(&cel::types::string, *length * 4), text_min};  // it counts code points
  if (!node.restrictions || node.restrictions->enumeration.empty()) return {sized(&cel::types::string, text_max), text_min};
  std::size_t longest = 0;
  for (const codec::Value& value : node.restrictions->enumeration)
    if (value.is_string()) longest = std::max(longest, value.as_string().size());
  return {sized(&cel::types::string, static_cast<int64_t>(longest)), text_min};
}

RuleTypes::Declared RuleTypes::declare_object(const Node& node, bool root) {
  const Sizes* sizes = node.restrictions ? node.restrictions->sizes : nullptr;
  if (node.additional != nullptr) {
    const Declared value = of(*node.additional, false);
    if (value.type == nullptr) return {};
    cel::Type& made = types_.add(*types_.map(&cel::types::string, value.type));
    const int64_t members = sizes && sizes->max_properties ? not_negative(*sizes->max_properties) : (request_max - 2) / (value.json_bytes_min + 6);
    made.size_max = static_cast<uint64_t>(members);
    return {&made, text_min};
  }
  cel::FieldList& fields = *fields_.emplace_back(std::make_unique<cel::FieldList>());
  const auto structure = [this](const cel::FieldList& of) {
    cel::Type& made = types_.add(*types_.structure("object", &of));
    made.size_max = 0;
    return &made;
  };
  if (root) {
    cel::FieldList& metadata = *fields_.emplace_back(std::make_unique<cel::FieldList>());
    const cel::TypeRef text = sized(&cel::types::string, text_max);
    for (const char* name : {"name", "generateName"}) metadata.add(name, text);
    for (const char* name : {"apiVersion", "kind"}) fields.add(name, text);
    fields.add("metadata", structure(metadata));
  }
  int64_t bytes_min = text_min;
  const auto required = node.restrictions ? node.restrictions->required : std::span<const std::string_view>();
  for (const Property& property : node.properties) {
    if (root && is_type_member(property.name)) continue;
    const Declared declared = of(*property.node, false);
    if (declared.type == nullptr) continue;
    const std::string name = escaped_name(property.name);
    if (!name.empty()) fields.add(name, declared.type, name == property.name ? std::string_view() : types_.text(std::string(property.name)));
    // A default need not be sent.
    if (!property.node->default_value && std::ranges::find(required, property.name) != required.end())
      bytes_min += static_cast<int64_t>(property.name.size()) + declared.json_bytes_min + 4;
  }
  return {structure(fields), bytes_min};
}

}  // namespace pintle::apimachinery::schema

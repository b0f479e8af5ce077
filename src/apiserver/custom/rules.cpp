#include "apiserver/custom/rules.h"

#include <algorithm>
#include <array>
#include <optional>

namespace pintle::apiserver::custom {

namespace cel = apimachinery::cel;
namespace schema = apimachinery::schema;
using apimachinery::FieldErrors;
using apimachinery::FieldPath;
using codec::Value;
using schema::Node;

namespace {

constexpr std::array<std::string_view, 22> reserved{"true",      "false",  "null",     "in",   "as",     "break", "const", "continue",
                                                    "else",      "for",    "function", "if",   "import", "let",   "loop",  "package",
                                                    "namespace", "return", "var",      "void", "while",  "__"};
constexpr std::string_view out_of_budget = "validation failed due to running out of cost budget, no further validation rules will be run";

// How CEL names a property; "" for one that it cannot.
std::string escaped(std::string_view name) {
  if (name.empty() || !(name[0] == '_' || (name[0] >= 'a' && name[0] <= 'z') || (name[0] >= 'A' && name[0] <= 'Z'))) return {};
  if (std::ranges::find(reserved, name) != reserved.end() && name != "__") return "__" + std::string(name) + "__";
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

cel::TypeRef text_type(const Node& node) {
  const std::string_view format = node.restrictions ? node.restrictions->format : std::string_view();
  if (format == "byte") return &cel::types::bytes;
  if (format == "duration") return &cel::types::duration;
  if (format == "date" || format == "date-time" || format == "datetime") return &cel::types::timestamp;
  return &cel::types::string;
}

uint64_t bound(const std::optional<int64_t>& size) { return size && *size >= 0 ? static_cast<uint64_t>(*size) : cel::size_unknown; }

// Of fieldPath: ".a.b", "['c']".
FieldPath below(FieldPath path, std::string_view relative) {
  while (!relative.empty()) {
    if (relative.starts_with("['")) {
      const auto end = relative.find("']");
      if (end == relative.npos) return path;
      path = path.child(relative.substr(2, end - 2));
      relative.remove_prefix(end + 2);
      continue;
    }
    if (relative.starts_with('.')) relative.remove_prefix(1);
    const auto end = std::min(relative.find_first_of(".["), relative.size());
    if (end == 0) return path;
    path = path.child(relative.substr(0, end));
    relative.remove_prefix(end);
  }
  return path;
}

void report(const schema::Rule& rule, const Node& node, const FieldPath& path, std::string_view message, FieldErrors& errors) {
  const std::string_view reason = rule.reason.value_or("FieldValueInvalid");
  const FieldPath at = below(path, rule.field_path);
  if (reason == "FieldValueForbidden") return errors.forbidden(at, message);
  if (reason == "FieldValueRequired") return errors.required(at, message);
  if (reason == "FieldValueDuplicate") return errors.duplicate(at, schema::type_name(node.type));
  errors.invalid(at, schema::type_name(node.type), message);
}

}  // namespace

struct Rules::Compiled {
  const schema::Rule* rule = nullptr;
  std::string broken;  // why it cannot be evaluated; "": it can
  std::optional<cel::Program> program, message;
  bool transition = false;  // names oldSelf
};

Rules::Rules(const Node& root) : schema_(root) { compile(root, true); }
Rules::~Rules() = default;

cel::TypeRef Rules::type_of(const Node& node, bool root) {
  if (const auto known = known_.find(&node); known != known_.end()) return known->second;
  const schema::Sizes* sizes = node.restrictions ? node.restrictions->sizes : nullptr;
  cel::TypeRef out = &cel::types::dyn;
  if (node.int_or_string) return known_[&node] = out;
  switch (node.type) {
    case schema::ValueType::Any: break;
    case schema::ValueType::Boolean: out = &cel::types::boolean; break;
    case schema::ValueType::Integer: out = &cel::types::integer; break;
    case schema::ValueType::Number: out = &cel::types::floating; break;
    case schema::ValueType::String: {
      cel::Type& made = types_.add(*text_type(node));
      if (sizes) made.size_max = bound(sizes->max_length);
      out = &made;
      break;
    }
    case schema::ValueType::Array: {
      const cel::TypeRef element = node.items ? type_of(*node.items, false) : &cel::types::dyn;
      cel::Type& made = types_.add(*types_.list(element));
      if (sizes) made.size_max = bound(sizes->max_items);
      if (node.list_type == schema::ListType::Set) made.semantics = cel::ListSemantics::Set;
      if (node.list_type == schema::ListType::Map) made.semantics = cel::ListSemantics::Map;
      for (const std::string_view key : node.list_map_keys()) made.list_keys.emplace_back(key);
      out = &made;
      break;
    }
    case schema::ValueType::Object: {
      if (node.properties.empty() && !root && !node.embedded_resource) {
        if (node.additional) out = types_.map(&cel::types::string, type_of(*node.additional, false));
        if (node.additional || node.preserve_unknown) break;
      }
      cel::FieldList& fields = *fields_.emplace_back(std::make_unique<cel::FieldList>());
      if (root || node.embedded_resource) {
        cel::FieldList& metadata = *fields_.emplace_back(std::make_unique<cel::FieldList>());
        metadata.add("name", &cel::types::string);
        metadata.add("generateName", &cel::types::string);
        fields.add("apiVersion", &cel::types::string);
        fields.add("kind", &cel::types::string);
        fields.add("metadata", types_.structure("metadata", &metadata));
      }
      for (const schema::Property& property : node.properties) {
        if ((root || node.embedded_resource) && (property.name == "metadata" || property.name == "apiVersion" || property.name == "kind")) continue;
        const std::string name = escaped(property.name);
        if (!name.empty())
          fields.add(name, type_of(*property.node, false), name == property.name ? std::string_view() : types_.text(std::string(property.name)));
      }
      out = types_.structure("object", &fields);
      break;
    }
  }
  return known_[&node] = out;
}

void Rules::compile(const Node& node, bool root) {
  if (!node.rules().empty()) {
    const cel::TypeRef self = type_of(node, root);
    std::vector<Compiled>& out = compiled_[&node];
    for (const schema::Rule& rule : node.rules()) {
      Compiled& made = out.emplace_back();
      made.rule = &rule;
      cel::Environment own;
      own.add_variable("self", self);
      const std::size_t old = own.add_variable("oldSelf", rule.optional_old_self.value_or(false) ? types_.optional(self) : self);
      auto program = own.compile(rule.rule, &cel::types::boolean);
      if (!program) {
        made.broken = program.error().message;
        continue;
      }
      made.transition = program->uses(old);
      made.program = std::move(*program);
      if (rule.message_expression.empty()) continue;
      if (auto message = own.compile(rule.message_expression, &cel::types::string)) made.message = std::move(*message);
    }
  }
  for (const schema::Property& property : node.properties) compile(*property.node, false);
  if (node.items) compile(*node.items, false);
  if (node.additional) compile(*node.additional, false);
  holds_rules_[&node] = !node.rules().empty() || std::ranges::any_of(node.properties, [&](const auto& p) { return holds_rules(*p.node); }) ||
                        (node.items && holds_rules(*node.items)) || (node.additional && holds_rules(*node.additional));
}

bool Rules::holds_rules(const Node& node) const {
  const auto it = holds_rules_.find(&node);
  return it != holds_rules_.end() && it->second;
}

struct Rules::Walk {
  const Rules& rules;
  FieldErrors& errors;
  bool update = false;
  uint64_t left = cel::runtime_cost_max;
  schema::Ratcheting ratcheting = {};
  cel::Arena arena = {};

  // False: the budget is used up.
  bool at(const Node& node, const Value& value, const schema::Predecessor& old, const FieldPath& path, bool top) {
    if (value.is_null() || !rules.holds_rules(node)) return true;
    if (const auto own = rules.compiled_.find(&node); own != rules.compiled_.end())
      if (!judge(node, own->second, value, old, path)) return false;
    if (value.is_object()) {
      for (const auto& [name, member] : value.as_object()) {
        const Node* declared = node.property(name);
        const FieldPath there = declared ? path.child(name) : path.key(name);
        if (!declared) declared = node.additional;
        if (declared && !at(*declared, member, old.member(name, top), there, false)) return false;
      }
    } else if (value.is_array() && node.items) {
      std::optional<schema::OldItems> items;
      if (old.value && old.value->is_array()) items.emplace(*old.schema, *old.value);
      for (std::size_t i = 0; i < value.as_array().size(); ++i) {
        const Value& item = value.as_array()[i];
        if (!at(*node.items, item, items ? items->of(item) : schema::Predecessor(), path.index(i), false)) return false;
      }
    }
    return true;
  }

  bool judge(const Node& node, const std::vector<Compiled>& own, const Value& value, const schema::Predecessor& old, const FieldPath& path) {
    const bool unchanged = update && old.value && ratcheting.equal(node, value, *old.value);
    for (const Compiled& one : own) {
      if (!one.broken.empty()) {
        errors.internal(path, "the rule cannot be compiled: " + one.broken);
        continue;
      }
      const bool optional_old = one.rule->optional_old_self.value_or(false);
      if (one.transition && !old.value && !optional_old) continue;
      if (unchanged && !one.transition) continue;  // what did not change is not judged again
      arena.clear();
      const cel::TypeRef type = rules.known_.at(&node);
      std::array<cel::Value, 2> variables{cel::document_value(value, type, arena)};
      if (one.transition && old.value) variables[1] = cel::document_value(*old.value, type, arena);
      if (one.transition && optional_old) variables[1] = old.value ? cel::Value::optional(variables[1], arena) : cel::Value::none();
      if (!run(one, variables, node, path)) return false;
    }
    return true;
  }

  bool run(const Compiled& one, const std::array<cel::Value, 2>& variables, const Node& node, const FieldPath& path) {
    cel::EvaluationOptions options;
    options.cost_max = std::min(left, cel::per_call_cost_max);
    const cel::Outcome outcome = one.program->evaluate(variables, arena, options);
    left -= std::min(left, outcome.cost);
    if (outcome.value.is_error() && outcome.value.as_error().failure == cel::Failure::CostLimit) {
      if (left > 0 && options.cost_max == cel::per_call_cost_max) {
        errors.invalid(path, schema::type_name(node.type), "call cost limit exceeded for rule: " + std::string(one.rule->rule));
        return true;
      }
      left = 0;
    }
    if (left == 0) {
      errors.invalid(path, schema::type_name(node.type), out_of_budget);
      return false;
    }
    if (outcome.value.is_error()) {
      errors.invalid(path, schema::type_name(node.type),
                     "rule evaluation error: " + std::string(outcome.value.as_error().message) + " (" + std::string(one.rule->rule) + ")");
    } else if (!outcome.value.is_true()) {
      report(*one.rule, node, path, message_of(one, variables), errors);
    }
    return true;
  }

  // messageExpression where it gives a line of text, else message, else the rule.
  std::string message_of(const Compiled& one, const std::array<cel::Value, 2>& variables) {
    constexpr std::size_t message_bytes_max = 5 << 10;
    if (one.message && left > 0) {
      cel::EvaluationOptions options;
      options.cost_max = std::min(left, cel::per_call_cost_max);
      const cel::Outcome outcome = one.message->evaluate(variables, arena, options);
      left -= std::min(left, outcome.cost);
      if (outcome.value.is(cel::Value::Kind::String)) {
        const std::string_view text = outcome.value.text();
        const bool blank = text.find_first_not_of(" \t\r\n") == text.npos;
        if (!blank && text.size() <= message_bytes_max && text.find('\n') == text.npos) return std::string(text);
      }
    }
    if (!one.rule->message.empty()) return std::string(one.rule->message);
    return "failed rule: " + std::string(one.rule->rule);
  }
};

void Rules::validate(const Value& object, const Value* old, FieldErrors& errors) const {
  if (empty()) return;
  Walk walk{*this, errors, old != nullptr};
  const schema::Predecessor before = old ? schema::Predecessor{old, &schema_} : schema::Predecessor();
  walk.at(schema_, object, before, FieldPath(), true);
}

}  // namespace pintle::apiserver::custom

#include "apimachinery/schema/rules.h"

#include <algorithm>
#include <array>
#include <optional>

#include "apimachinery/schema/print.h"
#include "apimachinery/schema/rule_sizes.h"

namespace pintle::apimachinery::schema {

using codec::Value;

namespace {

constexpr std::string_view out_of_budget = "validation failed due to running out of cost budget, no further validation rules will be run";

std::string_view trimmed(std::string_view text) {
  constexpr std::string_view blanks = " \t\r\n\v\f";
  const auto first = text.find_first_not_of(blanks);
  return first == text.npos ? std::string_view() : text.substr(first, text.find_last_not_of(blanks) - first + 1);
}

// How errors name a rule.
std::string name_of(const Rule& rule) { return std::string(trimmed(rule.message.empty() ? rule.rule : rule.message)); }

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

void report(const Rule& rule, const Node& node, const Value& value, const FieldPath& path, std::string_view message, FieldErrors& errors) {
  const std::string_view reason = rule.reason.value_or("FieldValueInvalid");
  const FieldPath at = below(path, rule.field_path);
  const bool composed = node.type == ValueType::Object || node.type == ValueType::Array;
  if (reason == "FieldValueForbidden") return errors.forbidden(at, message);
  if (reason == "FieldValueRequired") return errors.required(at, message);
  const BadValue shown = composed ? BadValue::omitted() : bad_value(value);
  if (reason == "FieldValueDuplicate") return errors.duplicate(at, shown);
  errors.invalid(at, shown, message);
}

}  // namespace

std::vector<CompiledRule> compile_rules(const Node& node, cel::TypeRef self) {
  std::vector<CompiledRule> out;
  for (const Rule& rule : node.rules()) {
    CompiledRule& made = out.emplace_back();
    made.rule = &rule;
    if (self == nullptr) {
      made.broken =
          "failed to construct type information for x-kubernetes-validations rules: unable to convert structural schema to CEL declarations";
      continue;
    }
    if (trimmed(rule.rule).empty()) continue;
    cel::Environment own;
    own.add_variable("self", self);
    const std::size_t old = own.add_variable("oldSelf", rule.optional_old_self.value_or(false) ? own.types().optional(self) : self);
    auto program = own.compile(rule.rule);
    if (!program) {
      made.broken = "compilation failed: " + program.error().message;
      continue;
    }
    if (!cel::same_type(program->result_type(), &cel::types::boolean)) {
      made.broken = "cel expression must evaluate to a bool";
      continue;
    }
    made.transition = program->uses(old);
    made.program = std::move(*program);
    if (rule.message_expression.empty()) continue;
    auto message = own.compile(rule.message_expression);
    if (!message)
      made.message_broken = "messageExpression compilation failed: " + message.error().message;
    else if (!cel::same_type(message->result_type(), &cel::types::string))
      made.message_broken = "messageExpression must evaluate to a string";
    else
      made.message = std::move(*message);
  }
  return out;
}

Rules::Rules(const Node& root) : schema_(root) { compile(root, true); }
Rules::~Rules() = default;

void Rules::compile(const Node& node, bool root) {
  if (!node.rules().empty()) {
    Own& own = compiled_[&node];
    own.type = types_.of(node, root).type;
    own.rules = compile_rules(node, own.type);
  }
  for (const Property& property : node.properties) compile(*property.node, false);
  if (node.items) compile(*node.items, false);
  if (node.additional) compile(*node.additional, false);
  // How many of them an object can hold is asked of their types.
  for (const Node* each : {node.items, node.additional})
    if (each && holds_rules(*each)) (void)types_.of(*each, false);
  holds_rules_[&node] = !node.rules().empty() || std::ranges::any_of(node.properties, [&](const auto& p) { return holds_rules(*p.node); }) ||
                        (node.items && holds_rules(*node.items)) || (node.additional && holds_rules(*node.additional));
}

bool Rules::holds_rules(const Node& node) const {
  const auto it = holds_rules_.find(&node);
  return it != holds_rules_.end() && it->second;
}

bool Rules::any(const Node& node) {
  return !node.rules().empty() || std::ranges::any_of(node.properties, [](const auto& p) { return any(*p.node); }) ||
         (node.items && any(*node.items)) || (node.additional && any(*node.additional));
}

uint64_t Rules::estimate(uint64_t object_bytes) const { return estimate(schema_, 1, object_bytes); }

// Two bounds hold for the values of a node: that each is as large as it may be, and, as costs grow no slower than sizes, that one has all bytes
// and the others are small.
uint64_t Rules::estimate(const Own& own, uint64_t occurrences, uint64_t object_bytes) const {
  using Declared = SizesWithin::Declared;
  const SizesWithin each(types_, own.type, object_bytes, Declared::Counts), one(types_, own.type, object_bytes, Declared::Ignored),
      small(types_, own.type, 1, Declared::Ignored);
  uint64_t total = 0;
  for (const CompiledRule& rule : own.rules)
    for (const auto* program : {&rule.program, &rule.message}) {
      if (!*program) continue;
      const uint64_t equal = cost_product(occurrences, (*program)->estimate_cost(&each).max);
      const uint64_t uneven = cost_sum((*program)->estimate_cost(&one).max, cost_product(occurrences, (*program)->estimate_cost(&small).max));
      total = cost_sum(total, std::min(equal, uneven));
    }
  return total;
}

// `occurrences`: how often a value of the node can occur in such an object.
uint64_t Rules::estimate(const Node& node, uint64_t occurrences, uint64_t object_bytes) const {
  if (!holds_rules(node)) return 0;
  uint64_t total = 0;
  if (const auto own = compiled_.find(&node); own != compiled_.end() && own->second.type != nullptr)
    total = estimate(own->second, occurrences, object_bytes);
  const auto times = [&](const std::optional<int64_t>& declared, const Node& each, uint64_t around) {
    const uint64_t fit = object_bytes / (types_.json_bytes_min(each) + around) + 1;
    return declared ? std::min(fit, cost_product(occurrences, static_cast<uint64_t>(std::max<int64_t>(*declared, 0)))) : fit;
  };
  const Sizes* sizes = node.restrictions ? node.restrictions->sizes : nullptr;
  for (const Property& property : node.properties) total = cost_sum(total, estimate(*property.node, occurrences, object_bytes));
  if (node.items)
    total = cost_sum(total, estimate(*node.items, times(sizes ? sizes->max_items : std::nullopt, *node.items, around_item_bytes), object_bytes));
  if (node.additional)
    total = cost_sum(
        total, estimate(*node.additional, times(sizes ? sizes->max_properties : std::nullopt, *node.additional, around_member_bytes), object_bytes));
  return total;
}

struct Rules::Walk {
  Walk(const Rules& of, FieldErrors& into, bool is_update) : rules(of), errors(into), update(is_update) {}
  const Rules& rules;
  FieldErrors& errors;
  const bool update;
  uint64_t left = cel::runtime_cost_max;
  const cel::TimeZones* zones = nullptr;
  Ratcheting ratcheting;
  cel::Arena arena;

  // False: the budget is used up.
  bool at(const Node& node, const Value& value, const Predecessor& old, const FieldPath& path, bool top) {
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
      std::optional<OldItems> items;
      if (old.value && old.value->is_array()) items.emplace(*old.schema, *old.value);
      for (std::size_t i = 0; i < value.as_array().size(); ++i) {
        const Value& item = value.as_array()[i];
        if (!at(*node.items, item, items ? items->of(item) : Predecessor(), path.index(i), false)) return false;
      }
    }
    return true;
  }

  bool judge(const Node& node, const Own& own, const Value& value, const Predecessor& old, const FieldPath& path) {
    const bool unchanged = update && old.value && ratcheting.equal(node, value, *old.value);
    for (const CompiledRule& one : own.rules) {
      if (!one.broken.empty()) {
        errors.invalid(path, type_name(node.type), "rule compile error: " + one.broken);
        continue;
      }
      if (!one.program) continue;
      const bool optional_old = one.rule->optional_old_self.value_or(false);
      if (one.transition && !old.value && !optional_old) continue;
      if (unchanged && !one.transition) continue;  // what did not change is not judged again
      arena.clear();
      const cel::TypeRef type = own.type;
      std::array<cel::Value, 2> variables{cel::document_value(value, type, arena)};
      if (one.transition && old.value) variables[1] = cel::document_value(*old.value, type, arena);
      if (one.transition && optional_old) variables[1] = old.value ? cel::Value::optional(variables[1], arena) : cel::Value::none();
      if (!run(one, variables, node, value, path)) return false;
    }
    return true;
  }

  bool run(const CompiledRule& one, const std::array<cel::Value, 2>& variables, const Node& node, const Value& value, const FieldPath& path) {
    cel::EvaluationOptions options;
    options.cost_max = std::min(left, cel::per_call_cost_max);
    options.zones = zones;
    const cel::Outcome outcome = one.program->evaluate(variables, arena, options);
    left -= std::min(left, outcome.cost);
    if (outcome.value.is_error() && outcome.value.as_error().failure == cel::Failure::CostLimit) {
      if (left > 0 && options.cost_max == cel::per_call_cost_max) {
        errors.invalid(path, type_name(node.type),
                       "'" + std::string(outcome.value.as_error().message) +
                           "': no further validation rules will be run due to call cost exceeds limit for rule: " + name_of(*one.rule));
        return false;
      }
      left = 0;
    }
    if (left == 0) {
      errors.invalid(path, type_name(node.type), out_of_budget);
      return false;
    }
    if (outcome.value.is_error()) {
      const std::string why(outcome.value.as_error().message);
      errors.invalid(
          path, type_name(node.type),
          why.starts_with("no such overload")
              ? "'" + why + "': call arguments did not match a supported operator, function or macro signature for rule: " + name_of(*one.rule)
              : why + " evaluating rule: " + name_of(*one.rule));
    } else if (!outcome.value.is_true()) {
      report(*one.rule, node, value, path, message_of(one, variables), errors);
    }
    return true;
  }

  // messageExpression where it gives a line of text, else message, else the rule.
  std::string message_of(const CompiledRule& one, const std::array<cel::Value, 2>& variables) {
    constexpr std::size_t message_bytes_max = 5 << 10;
    if (one.message && left > 0) {
      cel::EvaluationOptions options;
      options.cost_max = std::min(left, cel::per_call_cost_max);
      options.zones = zones;
      const cel::Outcome outcome = one.message->evaluate(variables, arena, options);
      left -= std::min(left, outcome.cost);
      if (outcome.value.is(cel::Value::Kind::String)) {
        const std::string_view text = trimmed(outcome.value.text());
        if (!text.empty() && text.size() <= message_bytes_max && text.find('\n') == text.npos) return std::string(text);
      }
    }
    return one.rule->message.empty() ? "failed rule: " + name_of(*one.rule) : name_of(*one.rule);
  }
};

void Rules::validate(const Value& value, const Judged& judged, FieldErrors& errors) const {
  if (empty()) return;
  Walk walk(*this, errors, judged.ratcheting);
  walk.zones = judged.zones;
  if (judged.budget) walk.left = *judged.budget;
  const Node& node = judged.node ? *judged.node : schema_;
  const Predecessor before = judged.old ? Predecessor{judged.old, &node} : Predecessor();
  walk.at(node, value, before, judged.path, &node == &schema_);
  if (judged.budget) *judged.budget = walk.left;
}

}  // namespace pintle::apimachinery::schema

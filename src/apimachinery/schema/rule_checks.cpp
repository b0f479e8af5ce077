#include "apimachinery/schema/rule_checks.h"

#include <algorithm>
#include <array>
#include <string_view>

#include <fmt/format.h>

#include "apimachinery/cel/cost.h"
#include "apimachinery/schema/rule_sizes.h"
#include "apimachinery/schema/rules.h"
#include "base/strings.h"
#include "codec/json.h"

namespace pintle::apimachinery::schema {
namespace {

using api::apiextensions_v1::ValidationRule;

constexpr std::size_t costly_max = 4;

bool is_blank(std::string_view text) { return text.find_first_not_of(" \t\r\n\v\f") == std::string_view::npos; }
bool has_lines(std::string_view text) { return text.find_first_of("\r\n") != std::string_view::npos; }
// What stands around a text does not count.
bool has_lines_inside(std::string_view text) {
  if (is_blank(text)) return false;
  const auto first = text.find_first_not_of(" \t\r\n\v\f"), last = text.find_last_not_of(" \t\r\n\v\f");
  return has_lines(text.substr(first, last - first + 1));
}

std::string over_budget(std::string_view what, uint64_t cost, uint64_t limit) {
  const double factor = static_cast<double>(cost) / static_cast<double>(limit);
  const std::string shown = factor > 100.0 ? std::string("more than 100x")
                            : factor < 1.5 ? fmt::format("{:f}x", factor)
                                           : fmt::format("{:.1f}x", factor);
  return fmt::format(
      "{} exceeds budget by factor of {} (try simplifying the rule, or adding maxItems, maxProperties, and maxLength where arrays, maps, and strings "
      "are declared)",
      what, shown);
}

// The rule whole, as errors show it.
BadValue shown_rule(const ValidationRule& rule) {
  const auto text = [](std::string_view value) { return codec::to_json(codec::Value(std::string(value))); };
  std::string out = "{\"Rule\":" + text(rule.rule) + ",\"Message\":" + text(rule.message) + ",\"MessageExpression\":" + text(rule.message_expression);
  out += ",\"Reason\":" + (rule.reason ? text(*rule.reason) : std::string("null")) + ",\"FieldPath\":" + text(rule.field_path);
  out += std::string(",\"OptionalOldSelf\":") + (!rule.optional_old_self ? "null" : *rule.optional_old_self ? "true" : "false") + "}";
  return BadValue::raw(std::move(out));
}

// ".a.b", "['c']": each a property or, where additionalProperties are declared, any name.
bool leads_somewhere(std::string_view path, const Node* node) {
  if (path.empty()) return true;
  while (!path.empty() && node != nullptr) {
    std::string name;
    if (path.starts_with("['")) {
      std::size_t at = 2;
      for (; at < path.size() && path[at] != '\''; ++at) {
        if (path[at] == '\\' && at + 1 < path.size()) ++at;
        name += path[at];
      }
      if (!path.substr(std::min(at, path.size())).starts_with("']")) return false;
      path.remove_prefix(at + 2);
    } else if (path.front() == '.') {
      path.remove_prefix(1);
      const auto end = std::min(path.find_first_of(".[]"), path.size());
      if (end == 0) return false;
      name = path.substr(0, end);
      path.remove_prefix(end);
    } else {
      return false;
    }
    node = node->properties.empty() ? node->additional : node->property(name);
  }
  return node != nullptr;
}

}  // namespace

void check_rule_text(const ValidationRule& rule, const Node* node, const FieldPath& path, FieldErrors& errors) {
  constexpr std::array<std::string_view, 4> reasons{"FieldValueDuplicate", "FieldValueForbidden", "FieldValueInvalid", "FieldValueRequired"};
  if (is_blank(rule.rule)) {
    errors.required(path.child("rule"), "rule is not specified");
  } else if (!rule.message.empty() && is_blank(rule.message)) {
    errors.invalid(path.child("message"), rule.message, "must be non-empty if specified");
  } else if (has_lines_inside(rule.message)) {
    errors.invalid(path.child("message"), rule.message, "must not contain line breaks");
  } else if (has_lines_inside(rule.rule) && is_blank(rule.message)) {
    errors.required(path.child("message"), "message must be specified if rule contains line breaks");
  }
  if (!rule.message_expression.empty() && is_blank(rule.message_expression))
    errors.required(path.child("messageExpression"), "messageExpression must be non-empty if specified");
  if (rule.reason && !contains(reasons, *rule.reason)) errors.not_supported(path.child("reason"), *rule.reason, reasons);
  if (rule.field_path.empty()) return;
  const FieldPath at = path.child("fieldPath");
  if (is_blank(rule.field_path)) errors.invalid(at, rule.field_path, "must be non-empty if specified");
  if (has_lines(rule.field_path)) errors.invalid(at, rule.field_path, "must not contain line breaks");
  if (node != nullptr && !leads_somewhere(rule.field_path, node)) errors.invalid(at, rule.field_path, "must be a valid path");
}

RuleChecks::Occurrences RuleChecks::inside(const Node& node, Occurrences of_node) {
  if (!of_node) return std::nullopt;
  const Sizes* sizes = node.restrictions ? node.restrictions->sizes : nullptr;
  const auto times = [&](const std::optional<int64_t>& most) -> Occurrences {
    if (!most) return std::nullopt;
    return cost_product(*of_node, static_cast<uint64_t>(std::max<int64_t>(*most, 0)));
  };
  if (node.type == ValueType::Array) return times(sizes ? sizes->max_items : std::nullopt);
  if (node.type == ValueType::Object && node.has_additional) return times(sizes ? sizes->max_properties : std::nullopt);
  return of_node;
}

void RuleChecks::count(const FieldPath& path, uint64_t cost) {
  total_ = cost_sum(total_, cost);
  if (cost < cel::definition_estimate_max / 100) return;
  const auto place = std::ranges::upper_bound(costly_, cost, std::ranges::greater(), &Costly::cost);
  costly_.insert(place, {path, cost});
  if (costly_.size() > costly_max) costly_.pop_back();
}

void RuleChecks::check(const std::vector<ValidationRule>& rules, const Place& place, const FieldPath& path, FieldErrors& errors) {
  const FieldPath list = path.child("x-kubernetes-validations");
  const RuleTypes::Declared& declared = types_.of(place.node, place.root);
  if (declared.type == nullptr)
    return errors.internal(list,
                           "internal error: failed to construct type information for x-kubernetes-validations rules: unable to convert structural "
                           "schema to CEL declarations");
  // Where nothing bounds it, as often as it fits into a request.
  const uint64_t often = place.occurrences ? *place.occurrences : cel::request_bytes_max / static_cast<uint64_t>(declared.json_bytes_min + 1);
  const SelfSizes sizes(declared.type);
  const std::vector<CompiledRule> compiled = compile_rules(place.node, declared.type);
  for (std::size_t i = 0; i < compiled.size() && i < rules.size(); ++i) {
    const CompiledRule& one = compiled[i];
    const FieldPath at = list.index(i), rule_path = at.child("rule"), message_path = at.child("messageExpression");
    if (one.program) {
      const uint64_t cost = cost_product(one.program->estimate_cost(&sizes).max, often);
      if (costs_count_ && cost > cel::rule_estimate_max)
        errors.forbidden(rule_path, over_budget("estimated rule cost", cost, cel::rule_estimate_max));
      count(rule_path, cost);
    }
    if (!one.broken.empty()) errors.invalid(rule_path, shown_rule(rules[i]), one.broken);
    if (!one.message_broken.empty()) errors.invalid(message_path, shown_rule(rules[i]), one.message_broken);
    if (one.message) {
      const uint64_t cost = one.message->estimate_cost(&sizes).max;
      if (costs_count_ && cost > cel::rule_estimate_max)
        errors.forbidden(message_path, over_budget("estimated messageExpression cost", cost, cel::rule_estimate_max));
      count(message_path, cost);
    }
    if (one.transition && place.uncorrelated)
      errors.invalid(rule_path, rules[i].rule,
                     "oldSelf cannot be used on the uncorrelatable portion of the schema within " + place.uncorrelated->to_string());
    if (!one.transition && rules[i].optional_old_self)
      errors.invalid(at.child("optionalOldSelf"), *rules[i].optional_old_self, "may not be set if oldSelf is not used in rule");
  }
}

void RuleChecks::finish(const FieldPath& path, FieldErrors& errors) {
  if (total_ <= cel::definition_estimate_max) return;
  for (const Costly& one : costly_)
    errors.forbidden(one.path, "contributed to estimated rule cost total exceeding cost limit for entire OpenAPIv3 schema");
  errors.forbidden(
      path, over_budget("x-kubernetes-validations estimated rule cost total for entire OpenAPIv3 schema", total_, cel::definition_estimate_max));
}

}  // namespace pintle::apimachinery::schema

#include "controller/objects/node_affinity.h"

#include <algorithm>

#include "apimachinery/selectors/label_selector.h"

namespace pintle::controller {

using api::core_v1::Node;
using api::core_v1::NodeSelectorRequirement;
using apimachinery::LabelOperator;
using apimachinery::LabelRequirement;

namespace {

std::optional<LabelOperator> operator_of(std::string_view name) {
  if (name == "Gt") return LabelOperator::GreaterThan;
  if (name == "Lt") return LabelOperator::LessThan;
  return apimachinery::parse_expression_operator(name);
}

bool matches(const NodeSelectorRequirement& wanted, const FlatMap<std::string>& labels) {
  const auto op = operator_of(wanted.operator_);
  if (!op) return false;
  const auto requirement = LabelRequirement::make(wanted.key, *op, wanted.values);
  return requirement && requirement->matches(labels);
}

// metadata.name is the one field there is.
bool matches_field(const NodeSelectorRequirement& wanted, const Node& node) {
  if (wanted.key != "metadata.name") return false;
  const bool in = std::ranges::find(wanted.values, node.metadata.name) != wanted.values.end();
  return wanted.operator_ == "In" ? in : wanted.operator_ == "NotIn" && !in;
}

}  // namespace

bool matches_node_selector(const api::core_v1::NodeSelector& selector, const Node& node) {
  return std::ranges::any_of(selector.node_selector_terms, [&](const auto& term) {
    if (term.match_expressions.empty() && term.match_fields.empty()) return false;
    return std::ranges::all_of(term.match_expressions, [&](const auto& wanted) { return matches(wanted, node.metadata.labels); }) &&
           std::ranges::all_of(term.match_fields, [&](const auto& wanted) { return matches_field(wanted, node); });
  });
}

bool allows_node(const api::core_v1::PodSpec& spec, const Node& node) {
  for (const auto& [key, value] : spec.node_selector) {
    const std::string* has = node.metadata.labels.get(key);
    if (has == nullptr || *has != value) return false;
  }
  if (!spec.affinity || !spec.affinity->node_affinity) return true;
  const auto& required = spec.affinity->node_affinity->required_during_scheduling_ignored_during_execution;
  return !required || matches_node_selector(*required, node);
}

}  // namespace pintle::controller

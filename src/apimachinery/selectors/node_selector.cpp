#include "apimachinery/selectors/node_selector.h"

#include <algorithm>

#include "apimachinery/selectors/label_selector.h"

namespace pintle::apimachinery {

namespace {

using api::core_v1::NodeSelectorRequirement;

std::optional<LabelOperator> operator_of(std::string_view name) {
  if (name == "Gt") return LabelOperator::GreaterThan;
  if (name == "Lt") return LabelOperator::LessThan;
  return parse_expression_operator(name);
}

bool matches_all(const std::vector<NodeSelectorRequirement>& requirements, const FlatMap<std::string>& values) {
  return std::ranges::all_of(requirements, [&](const NodeSelectorRequirement& r) {
    const auto op = operator_of(r.operator_);
    if (!op) return false;
    const auto requirement = LabelRequirement::make(r.key, *op, r.values);
    return requirement && requirement->matches(values);
  });
}

// Fields take In and NotIn of one value each; a value may be no label value.
bool matches_fields(const std::vector<NodeSelectorRequirement>& requirements, std::string_view node_name) {
  return std::ranges::all_of(requirements, [&](const NodeSelectorRequirement& r) {
    if (r.key != "metadata.name" || r.values.size() != 1) return false;
    const bool same = r.values[0] == node_name;
    return r.operator_ == "In" ? same : r.operator_ == "NotIn" && !same;
  });
}

}  // namespace

bool matches_node(const api::core_v1::NodeSelectorTerm& term, const FlatMap<std::string>& labels, std::string_view node_name) {
  if (term.match_expressions.empty() && term.match_fields.empty()) return false;
  return matches_all(term.match_expressions, labels) && matches_fields(term.match_fields, node_name);
}

bool matches_node(const api::core_v1::NodeSelector& selector, const FlatMap<std::string>& labels, std::string_view node_name) {
  return std::ranges::any_of(selector.node_selector_terms, [&](const auto& term) { return matches_node(term, labels, node_name); });
}

bool pod_matches_node(const api::core_v1::PodSpec& pod, const FlatMap<std::string>& labels, std::string_view node_name) {
  for (const auto& [key, value] : pod.node_selector) {
    const std::string* label = labels.get(key);
    if (!label || *label != value) return false;
  }
  if (!pod.affinity || !pod.affinity->node_affinity) return true;
  const auto& required = pod.affinity->node_affinity->required_during_scheduling_ignored_during_execution;
  return !required || matches_node(*required, labels, node_name);
}

}  // namespace pintle::apimachinery

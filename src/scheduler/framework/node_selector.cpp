#include "scheduler/framework/node_selector.h"

#include <algorithm>

namespace pintle::scheduler {

using apimachinery::LabelOperator;
using apimachinery::LabelRequirement;

namespace {

std::optional<LabelOperator> operator_of(std::string_view name) {
  if (name == "Gt") return LabelOperator::GreaterThan;
  if (name == "Lt") return LabelOperator::LessThan;
  return apimachinery::parse_expression_operator(name);
}

bool field_matches(const api::core_v1::NodeSelectorRequirement& requirement, const std::string& node_name) {
  const bool in = std::ranges::find(requirement.values, node_name) != requirement.values.end();
  return requirement.operator_ == "In" ? in : !in;
}

}  // namespace

NodeSelectorTerm::NodeSelectorTerm(const api::core_v1::NodeSelectorTerm& term)
    : fields_(term.match_fields), empty_(term.match_expressions.empty() && term.match_fields.empty()) {
  for (const auto& expression : term.match_expressions) {
    const auto op = operator_of(expression.operator_);
    if (!op) {
      problem_ = "\"" + expression.operator_ + "\" is not a valid node selector operator";
      return;
    }
    auto made = LabelRequirement::make(expression.key, *op, expression.values);
    if (!made) {
      problem_ = made.error().message;
      return;
    }
    labels_.push_back(std::move(*made));
  }
  for (const auto& field : fields_)
    if (field.key != "metadata.name" || field.values.size() != 1 || (field.operator_ != "In" && field.operator_ != "NotIn"))
      problem_ = "\"" + field.key + "\" is not a field selector of one name";
}

bool NodeSelectorTerm::matches(const Node& node) const {
  if (empty_ || !problem_.empty()) return false;
  return std::ranges::all_of(labels_, [&](const LabelRequirement& r) { return r.matches(node.metadata.labels); }) &&
         std::ranges::all_of(fields_, [&](const auto& r) { return field_matches(r, node.metadata.name); });
}

NodeSelector::NodeSelector(const api::core_v1::NodeSelector& selector) {
  for (const auto& term : selector.node_selector_terms) terms_.emplace_back(term);
}
bool NodeSelector::matches(const Node& node) const {
  return std::ranges::any_of(terms_, [&](const NodeSelectorTerm& term) { return term.matches(node); });
}

RequiredNodeAffinity::RequiredNodeAffinity(const Pod& pod) : labels_(pod.spec.node_selector) {
  if (!pod.spec.affinity || !pod.spec.affinity->node_affinity) return;
  const auto& required = pod.spec.affinity->node_affinity->required_during_scheduling_ignored_during_execution;
  if (!required) return;
  has_terms_ = true;
  for (const auto& term : required->node_selector_terms) terms_.emplace_back(term);
}

bool RequiredNodeAffinity::matches(const Node& node) const {
  for (const auto& [key, value] : labels_) {
    const std::string* has = node.metadata.labels.get(key);
    if (has == nullptr || *has != value) return false;
  }
  return !has_terms_ || std::ranges::any_of(terms_, [&](const NodeSelectorTerm& term) { return term.matches(node); });
}

}  // namespace pintle::scheduler

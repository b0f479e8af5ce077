#include "rules/node_selector.h"

#include <algorithm>
#include <optional>

namespace pintle::rules {

using api::core_v1::Node;
using apimachinery::LabelOperator;
using apimachinery::LabelRequirement;

namespace {

std::optional<LabelOperator> operator_of(std::string_view name) {
  if (name == "Gt") return LabelOperator::GreaterThan;
  if (name == "Lt") return LabelOperator::LessThan;
  return apimachinery::parse_expression_operator(name);
}

bool any_matches(const std::vector<NodeSelectorTerm>& terms, const Node& node) {
  return std::ranges::any_of(terms, [&](const NodeSelectorTerm& term) { return term.matches(node); });
}

}  // namespace

NodeSelectorTerm::NodeSelectorTerm(const api::core_v1::NodeSelectorTerm& term) : empty_(term.match_expressions.empty() && term.match_fields.empty()) {
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
  read_fields(term.match_fields);
}

void NodeSelectorTerm::read_fields(const std::vector<api::core_v1::NodeSelectorRequirement>& fields) {
  for (const auto& field : fields) {
    if (field.values.size() != 1 || (field.operator_ != "In" && field.operator_ != "NotIn")) {
      problem_ = "\"" + field.key + "\": a field is In or NotIn one value";
      return;
    }
    fields_.push_back({field.key == "metadata.name", field.operator_ == "In", field.values[0]});
  }
}

bool NodeSelectorTerm::matches(const FlatMap<std::string>& labels, std::string_view node_name) const {
  if (empty_ || !problem_.empty()) return false;
  return std::ranges::all_of(labels_, [&](const LabelRequirement& r) { return r.matches(labels); }) &&
         std::ranges::all_of(fields_, [&](const FieldIs& f) { return (f.value == (f.is_name ? node_name : std::string_view())) == f.wanted; });
}

NodeSelector::NodeSelector(const api::core_v1::NodeSelector& selector) {
  for (const auto& term : selector.node_selector_terms) terms_.emplace_back(term);
}
bool NodeSelector::matches(const Node& node) const { return any_matches(terms_, node); }

RequiredNodeAffinity::RequiredNodeAffinity(const api::core_v1::PodSpec& spec) : labels_(spec.node_selector) {
  if (!spec.affinity || !spec.affinity->node_affinity) return;
  const auto& required = spec.affinity->node_affinity->required_during_scheduling_ignored_during_execution;
  if (!required) return;
  has_terms_ = true;
  for (const auto& term : required->node_selector_terms) terms_.emplace_back(term);
}

bool RequiredNodeAffinity::matches(const Node& node) const {
  for (const auto& [key, value] : labels_) {
    const std::string* has = node.metadata.labels.get(key);
    if (has == nullptr || *has != value) return false;
  }
  return !has_terms_ || any_matches(terms_, node);
}

}  // namespace pintle::rules

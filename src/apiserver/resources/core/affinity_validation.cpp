#include <array>
#include <set>
#include <string_view>

#include "apimachinery/validation/formats.h"
#include "apiserver/resources/core/pod_spec.h"
#include "base/parse_number.h"

namespace pintle::apiserver::resources {
namespace {

namespace core = api::core_v1;
using namespace apimachinery;

bool is_integer(std::string_view text) { return parse_number<int64_t>(text).has_value(); }

void validate_requirement(const core::NodeSelectorRequirement& requirement, const FieldPath& path, FieldErrors& errors) {
  const std::string_view op = requirement.operator_;
  if (op == "In" || op == "NotIn") {
    if (requirement.values.empty()) errors.required(path.child("values"), "must be specified when operator is 'In' or 'NotIn'");
  } else if (op == "Exists" || op == "DoesNotExist") {
    if (!requirement.values.empty()) errors.forbidden(path.child("values"), "may not be specified when operator is 'Exists' or 'DoesNotExist'");
  } else if (op == "Gt" || op == "Lt") {
    if (requirement.values.size() != 1) errors.required(path.child("values"), "must be specified single value when operator is 'Lt' or 'Gt'");
  } else {
    errors.invalid(path.child("operator"), op, "not a valid selector operator");
  }
  errors.invalid_all(path.child("key"), requirement.key, check_qualified_name(requirement.key));
  for (std::size_t i = 0; i < requirement.values.size(); ++i)
    errors.invalid_all(path.child("values").index(i), requirement.values[i], check_label_value(requirement.values[i]));
}

void validate_field_requirement(const core::NodeSelectorRequirement& requirement, const FieldPath& path, FieldErrors& errors) {
  if (requirement.operator_ != "In" && requirement.operator_ != "NotIn") {
    errors.invalid(path.child("operator"), requirement.operator_, "not a valid selector operator");
  } else if (requirement.values.size() != 1) {
    errors.required(path.child("values"), "must be only one value when `operator` is 'In' or 'NotIn' for node field selector");
  }
  if (requirement.key == "metadata.name") {
    for (std::size_t i = 0; i < requirement.values.size(); ++i)
      errors.invalid_all(path.child("values").index(i), requirement.values[i], check_dns_subdomain(requirement.values[i]));
  } else {
    errors.invalid(path.child("key"), requirement.key, "not a valid field selector key");
  }
}

void validate_node_selector_term(const core::NodeSelectorTerm& term, const FieldPath& path, FieldErrors& errors) {
  for (std::size_t i = 0; i < term.match_expressions.size(); ++i)
    validate_requirement(term.match_expressions[i], path.child("matchExpressions").index(i), errors);
  for (std::size_t i = 0; i < term.match_fields.size(); ++i)
    validate_field_requirement(term.match_fields[i], path.child("matchFields").index(i), errors);
}

void validate_weight(int32_t weight, const FieldPath& path, FieldErrors& errors) {
  if (weight <= 0 || weight > 100) errors.invalid(path, weight, "must be in the range 1-100");
}

void validate_label_keys(const core::PodAffinityTerm& term, const FieldPath& path, FieldErrors& errors) {
  for (std::size_t i = 0; i < term.match_label_keys.size(); ++i)
    errors.invalid_all(path.child("matchLabelKeys").index(i), term.match_label_keys[i], check_qualified_name(term.match_label_keys[i]));
  const std::set<std::string_view> matched(term.match_label_keys.begin(), term.match_label_keys.end());
  for (std::size_t i = 0; i < term.mismatch_label_keys.size(); ++i) {
    errors.invalid_all(path.child("mismatchLabelKeys").index(i), term.mismatch_label_keys[i], check_qualified_name(term.mismatch_label_keys[i]));
    if (matched.contains(term.mismatch_label_keys[i]))
      errors.invalid(path.child("mismatchLabelKeys").index(i), term.mismatch_label_keys[i], "exists in both matchLabelKeys and mismatchLabelKeys");
  }
}

void validate_pod_affinity_term(const core::PodAffinityTerm& term, const FieldPath& path, FieldErrors& errors) {
  if (term.label_selector) validate_label_selector(*term.label_selector, path.child("labelSelector"), errors);
  if (term.namespace_selector) validate_label_selector(*term.namespace_selector, path.child("namespaceSelector"), errors);
  for (const std::string& name : term.namespaces) errors.invalid_all(path.child("namespace"), name, check_dns_label(name));
  validate_label_keys(term, path, errors);
  if (term.topology_key.empty()) errors.required(path.child("topologyKey"), "can not be empty");
  errors.invalid_all(path.child("topologyKey"), term.topology_key, check_qualified_name(term.topology_key));
}

template <class PodAffinity>
void validate_pod_terms(const PodAffinity& affinity, const FieldPath& path, FieldErrors& errors) {
  const auto& required = affinity.required_during_scheduling_ignored_during_execution;
  for (std::size_t i = 0; i < required.size(); ++i)
    validate_pod_affinity_term(required[i], path.child("requiredDuringSchedulingIgnoredDuringExecution").index(i), errors);
  const auto& preferred = affinity.preferred_during_scheduling_ignored_during_execution;
  for (std::size_t i = 0; i < preferred.size(); ++i) {
    const FieldPath at = path.child("preferredDuringSchedulingIgnoredDuringExecution").index(i);
    validate_weight(preferred[i].weight, at.child("weight"), errors);
    validate_pod_affinity_term(preferred[i].pod_affinity_term, at.child("podAffinityTerm"), errors);
  }
}

}  // namespace

void validate_label_selector(const api::meta_v1::LabelSelector& selector, const FieldPath& path, FieldErrors& errors) {
  validate_labels(selector.match_labels, path.child("matchLabels"), errors);
  for (std::size_t i = 0; i < selector.match_expressions.size(); ++i) {
    const auto& expression = selector.match_expressions[i];
    const FieldPath at = path.child("matchExpressions").index(i);
    if (expression.operator_ == "In" || expression.operator_ == "NotIn") {
      if (expression.values.empty()) errors.required(at.child("values"), "must be specified when `operator` is 'In' or 'NotIn'");
    } else if (expression.operator_ == "Exists" || expression.operator_ == "DoesNotExist") {
      if (!expression.values.empty()) errors.forbidden(at.child("values"), "may not be specified when `operator` is 'Exists' or 'DoesNotExist'");
    } else {
      errors.invalid(at.child("operator"), expression.operator_, "not a valid selector operator");
    }
    errors.invalid_all(at.child("key"), expression.key, check_qualified_name(expression.key));
    for (std::size_t v = 0; v < expression.values.size(); ++v)
      errors.invalid_all(at.child("values").index(v), expression.values[v], check_label_value(expression.values[v]));
  }
}

void validate_node_selector(const core::NodeSelector& selector, const FieldPath& path, FieldErrors& errors) {
  if (selector.node_selector_terms.empty()) {
    errors.required(path.child("nodeSelectorTerms"), "must have at least one node selector term");
    return;
  }
  for (std::size_t i = 0; i < selector.node_selector_terms.size(); ++i)
    validate_node_selector_term(selector.node_selector_terms[i], path.child("nodeSelectorTerms").index(i), errors);
}

void validate_affinity(const core::PodSpec& spec, const FieldPath& path, FieldErrors& errors) {
  if (!spec.affinity) return;
  if (const auto& node = spec.affinity->node_affinity) {
    const FieldPath at = path.child("nodeAffinity");
    if (node->required_during_scheduling_ignored_during_execution)
      validate_node_selector(*node->required_during_scheduling_ignored_during_execution, at.child("requiredDuringSchedulingIgnoredDuringExecution"),
                             errors);
    const auto& preferred = node->preferred_during_scheduling_ignored_during_execution;
    for (std::size_t i = 0; i < preferred.size(); ++i) {
      const FieldPath one = at.child("preferredDuringSchedulingIgnoredDuringExecution").index(i);
      validate_weight(preferred[i].weight, one.child("weight"), errors);
      validate_node_selector_term(preferred[i].preference, one.child("preference"), errors);
      for (std::size_t e = 0; e < preferred[i].preference.match_expressions.size(); ++e) {
        const auto& requirement = preferred[i].preference.match_expressions[e];
        if ((requirement.operator_ == "Gt" || requirement.operator_ == "Lt") && requirement.values.size() == 1 && !is_integer(requirement.values[0]))
          errors.invalid(one.child("preference", "matchExpressions").index(e).child("values"), requirement.values[0], "must be an integer");
      }
    }
  }
  if (spec.affinity->pod_affinity) validate_pod_terms(*spec.affinity->pod_affinity, path.child("podAffinity"), errors);
  if (spec.affinity->pod_anti_affinity) validate_pod_terms(*spec.affinity->pod_anti_affinity, path.child("podAntiAffinity"), errors);
}

}  // namespace pintle::apiserver::resources

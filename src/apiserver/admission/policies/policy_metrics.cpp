#include "apiserver/admission/policies/policy_metrics.h"

#include "rt/seconds.h"

namespace pintle::apiserver::admission::policies {
namespace {

constexpr double bounds[] = {0.0000005, 0.001, 0.01, 0.1, 1.0};

std::string error_type(const PolicyMetrics::Check& check) {
  if (!check.failed) return "no_error";
  if (check.message.starts_with("compilation")) return "compile_error";
  if (check.message.starts_with("validation failed due to running out of cost budget")) return "out_of_budget";
  return "invalid_error";
}

}  // namespace

PolicyMetrics::PolicyMetrics(component::metrics::Registry& registry)
    : validations_(registry, {"apiserver_validating_admission_policy_check_total",
                              "Checks of validating admission policies, by policy, binding and what came of them.",
                              {"policy", "policy_binding", "error_type", "enforcement_action"}}),
      validation_durations_(registry,
                            {"apiserver_validating_admission_policy_check_duration_seconds",
                             "How long single expressions of validating admission policies took.",
                             {"policy", "policy_binding", "error_type", "enforcement_action"}},
                            bounds),
      mutations_(registry, {"apiserver_mutating_admission_policy_check_total",
                            "Mutations of mutating admission policies, by policy and binding.",
                            {"policy", "policy_binding", "error_type"}}),
      mutation_durations_(registry,
                          {"apiserver_mutating_admission_policy_check_duration_seconds",
                           "How long single mutations of mutating admission policies took.",
                           {"policy", "policy_binding", "error_type"}},
                          bounds) {}

void PolicyMetrics::validated(const Check& check, std::string_view action) {
  const std::vector<std::string> labels{check.policy, check.binding, error_type(check), std::string(action)};
  validations_.with(labels).add();
  validation_durations_.with(labels).observe(rt::seconds(check.took));
}

void PolicyMetrics::mutated(const Check& check) {
  const std::vector<std::string> labels{check.policy, check.binding, error_type(check)};
  mutations_.with(labels).add();
  mutation_durations_.with(labels).observe(rt::seconds(check.took));
}

}  // namespace pintle::apiserver::admission::policies

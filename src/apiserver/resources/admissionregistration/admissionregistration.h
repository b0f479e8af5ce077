// What the six resources of admissionregistration.k8s.io share.
#pragma once

#include <span>
#include <string_view>
#include <vector>

#include "api/gen/admissionregistration_v1.h"
#include "apimachinery/cel/check.h"
#include "apiserver/registry/strategy.h"

namespace pintle::apiserver::resources::admissionregistration {

namespace v1 = api::admissionregistration_v1;
using apimachinery::cel::ResultType;

registry::ResourceDefinition validating_webhook_configurations();
registry::ResourceDefinition mutating_webhook_configurations();
registry::ResourceDefinition validating_admission_policies();
registry::ResourceDefinition validating_admission_policy_bindings();
registry::ResourceDefinition mutating_admission_policies();
registry::ResourceDefinition mutating_admission_policy_bindings();

// Operations, groups, versions, resources of a rule.
void validate_rule(const v1::RuleWithOperations& rule, const FieldPath& path, FieldErrors& errors);
void validate_match_resources(const v1::MatchResources& match, const FieldPath& path, FieldErrors& errors);
void validate_param_kind(const v1::ParamKind& kind, const FieldPath& path, FieldErrors& errors);
void validate_param_ref(const v1::ParamRef& ref, const FieldPath& path, FieldErrors& errors);

// What an expression may name at its root.
struct ExpressionScope {
  bool has_params = false;
  bool has_authorizer = true;
  bool has_variables = false;
};
void validate_expression(std::string_view expression, const ExpressionScope& scope, ResultType wanted, const FieldPath& path, FieldErrors& errors);
void validate_match_conditions(const std::vector<v1::MatchCondition>& conditions, bool has_params, const FieldPath& path, FieldErrors& errors);
void validate_variables(const std::vector<v1::Variable>& variables, bool has_params, const FieldPath& path, FieldErrors& errors);

// Cells of tables.
std::string shown(const Box<v1::ParamKind>& kind);
std::string shown(const Box<v1::ParamRef>& ref);

}  // namespace pintle::apiserver::resources::admissionregistration

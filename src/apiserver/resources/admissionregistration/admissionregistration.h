// What the six resources of admissionregistration.k8s.io share.
#pragma once

#include <span>
#include <string_view>
#include <vector>

#include "api/gen/admissionregistration_v1.h"
#include "apiserver/admission/expressions/compiler.h"
#include "apiserver/registry/strategy.h"

namespace pintle::apiserver::resources::admissionregistration {

namespace v1 = api::admissionregistration_v1;
using admission::expressions::Purpose;

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

// The expressions of one policy, compiled in order as they will be evaluated.
class PolicyExpressions {
 public:
  // `composed`: `variables` may be named.
  PolicyExpressions(bool params, bool composed) : compiler_({.composed = composed, .params = params}) {}

  // `shown`: the value that errors show, where that is not what is compiled.
  void check(std::string_view expression, Purpose purpose, const FieldPath& path, FieldErrors& errors, std::string_view shown = {});
  // Each may name those before it.
  void check_variables(const std::vector<v1::Variable>& variables, const FieldPath& path, FieldErrors& errors);

 private:
  admission::expressions::Compiler compiler_;
};
void validate_match_conditions(const std::vector<v1::MatchCondition>& conditions, bool has_params, const FieldPath& path, FieldErrors& errors);

// Without the white space around it.
std::string_view trimmed(std::string_view text);

// Cells of tables.
std::string shown(const Box<v1::ParamKind>& kind);
std::string shown(const Box<v1::ParamRef>& ref);

}  // namespace pintle::apiserver::resources::admissionregistration

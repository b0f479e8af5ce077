// Policy: what validating and mutating admission policies have in common, made ready once for each of their objects.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "api/gen/admissionregistration_v1.h"
#include "apiserver/admission/configured/matching.h"
#include "apiserver/admission/expressions/match_conditions.h"

namespace pintle::apiserver::admission::policies {

namespace v1 = api::admissionregistration_v1;

struct Policy {
  std::string name;
  bool has_constraints = false;  // else it selects nothing and is in error
  configured::Selection selection;
  bool ignore_failure = false;
  Box<v1::ParamKind> param_kind;
};

struct Binding {
  std::string name;
  std::optional<configured::Selection> selection;  // none: whatever the policy selects
  Box<v1::ParamRef> param_ref;
  std::vector<std::string> actions;  // of a validating policy's
};

// Expressions that stand before those of either kind of policy.
struct Preamble {
  expressions::Places places;
  std::vector<expressions::NamedExpression> variables;
  std::shared_ptr<const expressions::MatchConditions> conditions;  // nullptr: none
  std::string broken;                                              // why the match conditions cannot be evaluated
};

template <class Spec>
Policy make_policy(const std::string& name, const Spec& spec) {
  Policy out;
  out.name = name;
  out.has_constraints = spec.match_constraints.has_value();
  if (out.has_constraints) out.selection = configured::selection_of(*spec.match_constraints, true);
  out.ignore_failure = spec.failure_policy == "Ignore";
  out.param_kind = spec.param_kind;
  return out;
}

template <class Spec>
Binding make_binding(const std::string& name, const Spec& spec) {
  Binding out;
  out.name = name;
  if (spec.match_resources) out.selection = configured::selection_of(*spec.match_resources, false);
  out.param_ref = spec.param_ref;
  return out;
}

// Declares the variables to `compiler`, in order.
Preamble compile_preamble(const std::vector<v1::Variable>& variables, const std::vector<v1::MatchCondition>& conditions,
                          expressions::Compiler& compiler);

// Whether the match conditions hold, as the evaluation of a policy goes on from there. nullopt: `decisions` lacks an answer, or `pace`
// allows no more (begin_again.h).
std::optional<Result<bool>> conditions_hold(const Preamble& preamble, const rt::Context& ctx, const expressions::Subject& subject,
                                            expressions::AccessDecisions& decisions, expressions::Pace pace);

}  // namespace pintle::apiserver::admission::policies

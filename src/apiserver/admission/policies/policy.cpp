#include "apiserver/admission/policies/policy.h"

namespace pintle::apiserver::admission::policies {

using namespace expressions;

Preamble compile_preamble(const std::vector<v1::Variable>& variables, const std::vector<v1::MatchCondition>& conditions, Compiler& compiler) {
  Preamble out;
  out.places = compiler.places();
  for (const v1::Variable& variable : variables) {
    out.variables.push_back({variable.name, compiler.compile(variable.expression, Purpose::Variable)});
    compiler.declare(variable.name, out.variables.back().expression);
  }
  if (conditions.empty()) return out;
  auto made = MatchConditions::make(conditions, compiler.places().params);
  if (made) {
    out.conditions = std::move(*made);
  } else {
    out.broken = "compilation error: " + made.error().message;
  }
  return out;
}

std::optional<Result<bool>> conditions_hold(const Preamble& preamble, const rt::Context& ctx, const Subject& subject, AccessDecisions& decisions,
                                            Pace pace) {
  if (!preamble.broken.empty()) return Result<bool>(bad_request(preamble.broken));
  if (!preamble.conditions) return Result<bool>(true);
  return preamble.conditions->match_now(ctx, subject, decisions, pace);
}

}  // namespace pintle::apiserver::admission::policies

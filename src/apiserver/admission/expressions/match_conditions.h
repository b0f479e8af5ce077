// MatchConditions: whether a webhook or a policy wants to be asked about a request.
#pragma once

#include <memory>
#include <span>
#include <vector>

#include "api/gen/admissionregistration_v1.h"
#include "apiserver/admission/expressions/access_decisions.h"
#include "apiserver/admission/expressions/evaluation.h"

namespace pintle::apiserver::admission::expressions {

// Immutable, thread-safe.
class MatchConditions {
 public:
  // `params`: whether `params` may be named. BadRequest with the compiler's text.
  static Result<std::shared_ptr<const MatchConditions>> make(std::span<const api::admissionregistration_v1::MatchCondition> conditions, bool params);

  // Whether all hold. One that is false decides; else an error is told, in upstream's words (the caller's failure policy decides what comes of
  // it). Timeout or Cancelled: the request is over.
  rt::Task<Result<bool>> match(rt::Context ctx, const Subject& subject, authorization::Authorizer* authorizer) const;
  // The same where a request asks for several: they share the authorizer's answers. nullopt: `decisions` lacks one, or it
  // takes longer than `pace` allows (begin_again.h).
  std::optional<Result<bool>> match_now(const rt::Context& ctx, const Subject& subject, AccessDecisions& decisions, Pace pace) const;

 private:
  MatchConditions() = default;
  rt::Task<std::optional<Result<bool>>> match_at(rt::Context ctx, const Subject& subject, AccessDecisions& decisions, Pace pace) const;
  Places places_;
  std::vector<NamedExpression> conditions_;
};

}  // namespace pintle::apiserver::admission::expressions

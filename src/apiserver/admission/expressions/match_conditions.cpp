#include "apiserver/admission/expressions/match_conditions.h"

#include <algorithm>

#include "apiserver/admission/expressions/begin_again.h"

namespace pintle::apiserver::admission::expressions {
namespace {

// As upstream puts several errors into one text; one that says the same as another is left out.
std::string aggregated(const std::vector<std::string>& errors) {
  std::vector<std::string_view> told;
  std::string text;
  for (const std::string& error : errors) {
    if (std::ranges::find(told, error) != told.end()) continue;
    text += (told.empty() ? "" : ", ") + error;
    told.push_back(error);
  }
  return told.size() == 1 ? text : "[" + text + "]";
}

}  // namespace

Result<std::shared_ptr<const MatchConditions>> MatchConditions::make(std::span<const api::admissionregistration_v1::MatchCondition> conditions,
                                                                     bool params) {
  std::shared_ptr<MatchConditions> made(new MatchConditions());
  made->places_.params = params;
  Compiler compiler(made->places_);
  for (const auto& condition : conditions) {
    made->conditions_.push_back({condition.name, compiler.compile(condition.expression, Purpose::Condition)});
    const Expression& expression = made->conditions_.back().expression;
    if (!expression.program) return bad_request(expression.broken);
  }
  return std::shared_ptr<const MatchConditions>(std::move(made));
}

std::optional<Result<bool>> MatchConditions::match_now(const rt::Context& ctx, const Subject& subject, AccessDecisions& decisions, Pace pace) const {
  Subject seen = subject;
  seen.namespace_object = nullptr;  // upstream shows match conditions none
  Evaluation evaluation({seen, places_, {}, &decisions, ctx, cel::match_conditions_cost_max, pace});
  bool all = true;
  std::vector<std::string> errors;
  for (const NamedExpression& condition : conditions_) {  // all of them, as upstream: the budget may end after one that is false
    Evaluated answer = evaluation.evaluate(condition.expression);
    switch (answer.kind) {
      case Evaluated::Kind::Value: all = all && answer.value.is_true(); break;
      case Evaluated::Kind::Failed: errors.push_back(std::move(answer.error)); break;
      case Evaluated::Kind::OutOfBudget: return Result<bool>(bad_request(std::move(answer.error)));
      case Evaluated::Kind::TooLong:
      case Evaluated::Kind::Pending: return std::nullopt;
      case Evaluated::Kind::Ended: return Result<bool>(Unexpected(ctx.status()));
    }
  }
  if (!all) return Result<bool>(false);
  if (errors.empty()) return Result<bool>(true);
  return Result<bool>(bad_request(aggregated(errors)));
}

rt::Task<std::optional<Result<bool>>> MatchConditions::match_at(rt::Context ctx, const Subject& subject, AccessDecisions& decisions,
                                                                Pace pace) const {
  co_return match_now(ctx, subject, decisions, pace);
}

rt::Task<Result<bool>> MatchConditions::match(rt::Context ctx, const Subject& subject, authorization::Authorizer* authorizer) const {
  AccessDecisions decisions(subject.attributes.user, authorizer);
  const auto evaluate = [&](Pace pace) { return match_at(ctx, subject, decisions, pace); };
  rt::Task<Result<bool>> answer = begin_until_answered<bool>(ctx, decisions, evaluate);
  co_return co_await answer;
}

}  // namespace pintle::apiserver::admission::expressions

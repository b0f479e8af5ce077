#include "apiserver/admission/policies/validating_policy.h"

#include <utility>

#include "rt/sync.h"

namespace pintle::apiserver::admission::policies {

using namespace expressions;
using Kind = Evaluated::Kind;

namespace {

std::string_view trimmed(std::string_view text) {
  constexpr std::string_view blanks = " \t\r\n\v\f";
  const auto from = text.find_first_not_of(blanks);
  if (from == text.npos) return {};
  return text.substr(from, text.find_last_not_of(blanks) - from + 1);
}

}  // namespace

ValidatingPolicy::ValidatingPolicy(const v1::ValidatingAdmissionPolicy& policy) : ignore_failure_(policy.spec.failure_policy == "Ignore") {
  Compiler compiler(Places{.composed = true, .params = policy.spec.param_kind.has_value()});
  preamble_ = compile_preamble(policy.spec.variables, policy.spec.match_conditions, compiler);
  for (const v1::Validation& validation : policy.spec.validations) {
    Validation& made = validations_.emplace_back();
    made.expression = compiler.compile(validation.expression, Purpose::Condition);
    if (!validation.message_expression.empty()) made.message_expression = compiler.compile(validation.message_expression, Purpose::Message);
    made.message = trimmed(validation.message);
    made.reason = validation.reason.value_or("");
  }
  for (const v1::AuditAnnotation& annotation : policy.spec.audit_annotations)
    annotations_.push_back({annotation.key, compiler.compile(annotation.value_expression, Purpose::Annotation)});
}

// One judgement under way. Its steps answer false where it ends: `pending` and `over` say why, or the verdict has the one decision.
struct ValidatingPolicy::Judging {
  const ValidatingPolicy& policy;
  const rt::Context& ctx;
  const Subject& subject;
  AccessDecisions& access;
  Pace pace;
  const rt::Clock* clock;
  Verdict verdict = {};
  bool pending = false, over = false;

  Evaluation::Setting setting(AccessDecisions* decisions, uint64_t budget) const {
    return {subject, policy.preamble_.places, policy.preamble_.variables, decisions, ctx, budget, pace};
  }
  Decision failure(std::string message) const {
    return {.deny = !policy.ignore_failure_, .failed = true, .message = std::move(message), .reason = {}, .took = {}};
  }
  // The policy as a whole could not be evaluated.
  bool end(std::string message) {
    verdict = {};
    verdict.decisions.push_back(failure(std::move(message)));
    return false;
  }
  rt::TimePoint now() const { return clock ? clock->now() : rt::TimePoint(); }
  bool goes_on(const Evaluated& answer) {
    pending = answer.kind == Kind::Pending || answer.kind == Kind::TooLong;
    over = answer.kind == Kind::Ended;
    return !pending && !over;
  }

  static rt::Task<void> give_way(Evaluation& evaluation) {
    if (!evaluation.is_tired()) co_return;
    co_await rt::yield();
    evaluation.rest();
  }

  bool match() {
    auto matches = conditions_hold(policy.preamble_, ctx, subject, access, pace);
    if (!matches) return !(pending = true);
    if (*matches) return **matches;
    if (ctx.done()) return !(over = true);
    // With failurePolicy Ignore it does not match: nothing is said of it.
    return policy.ignore_failure_ ? false : end(std::move(matches->error().message));
  }

  rt::Task<bool> validate() {
    uint64_t left = 0;
    bool all = true;
    {
      Evaluation evaluation(setting(&access, cel::runtime_cost_max));
      for (const Validation& validation : policy.validations_) {
        const rt::TimePoint from = now();
        Evaluated answer = evaluation.evaluate(validation.expression);
        if (!goes_on(answer)) co_return false;
        if (answer.kind == Kind::OutOfBudget) co_return end(std::move(answer.error));
        Decision& decision = verdict.decisions.emplace_back();
        if (answer.kind == Kind::Failed) {
          decision = failure(std::move(answer.error));
        } else if (!answer.value.is_true()) {
          decision.deny = true;
          decision.reason = validation.reason;
        }
        decision.took = now() - from;
        all = all && !decision.deny && !decision.failed;
        co_await give_way(evaluation);
      }
      left = evaluation.budget();
    }
    co_return co_await tell(left, all);
  }

  // Gives what is denied its message. Upstream evaluates the messages of what is not denied, too: all that can come of it is that they use up
  // the budget, so that they are left out where they cannot.
  rt::Task<bool> tell(uint64_t left, bool all_hold) {
    std::size_t steps = policy.preamble_.variables.size();
    for (const Validation& validation : policy.validations_) steps += validation.message_expression.has_value();
    if (all_hold && left / cel::per_call_cost_max > steps) co_return true;
    Evaluation evaluation(setting(nullptr, left));
    std::vector<std::string> made(policy.validations_.size());
    for (std::size_t i = 0; i < policy.validations_.size(); ++i) {
      if (!policy.validations_[i].message_expression) continue;
      Evaluated answer = evaluation.evaluate(*policy.validations_[i].message_expression);
      co_await give_way(evaluation);
      if (!goes_on(answer)) co_return false;
      if (answer.kind == Kind::OutOfBudget) co_return fail_messages(answer.error);
      if (answer.kind == Kind::Value && answer.value.is(cel::Value::Kind::String)) made[i] = trimmed(answer.value.text());
    }
    for (std::size_t i = 0; i < policy.validations_.size(); ++i) {
      Decision& decision = verdict.decisions[i];
      if (decision.deny && !decision.failed) decision.message = message(policy.validations_[i], std::move(made[i]));
    }
    co_return true;
  }
  bool fail_messages(const std::string& why) {
    for (Decision& decision : verdict.decisions)
      if (!decision.failed) decision = failure("failed messageExpression: " + why);
    return true;
  }
  static std::string message(const Validation& validation, std::string made) {
    if (!made.empty() && made.size() <= message_bytes_max && made.find('\n') == made.npos) return made;
    if (!validation.message.empty()) return validation.message;
    return "failed expression: " + std::string(trimmed(validation.expression.text));
  }

  rt::Task<bool> annotate() {
    Evaluation evaluation(setting(&access, cel::runtime_cost_max));
    for (const NamedExpression& annotation : policy.annotations_) {
      Evaluated answer = evaluation.evaluate(annotation.expression);
      co_await give_way(evaluation);
      if (!goes_on(answer)) co_return false;
      if (answer.kind == Kind::OutOfBudget) co_return end(std::move(answer.error));
      if (answer.kind == Kind::Failed) {
        if (!policy.ignore_failure_) verdict.annotations.push_back({annotation.name, {}, std::move(answer.error)});
        continue;
      }
      const std::string_view value = answer.value.is(cel::Value::Kind::String) ? trimmed(answer.value.text()) : std::string_view();
      if (!value.empty()) verdict.annotations.push_back({annotation.name, std::string(value.substr(0, annotation_value_bytes_max)), {}});
    }
    co_return true;
  }
};

rt::Task<std::optional<Result<Verdict>>> ValidatingPolicy::judge(rt::Context ctx, const Subject& subject, AccessDecisions& decisions, Pace pace,
                                                                 const rt::Clock* clock) const {
  Judging judging{*this, ctx, subject, decisions, pace, clock};
  bool goes_on = judging.match();
  if (goes_on) goes_on = co_await judging.validate();
  if (goes_on) goes_on = co_await judging.annotate();
  if (judging.pending) co_return std::nullopt;
  if (judging.over) co_return Result<Verdict>(Unexpected(ctx.status()));
  co_return Result<Verdict>(std::move(judging.verdict));
}

}  // namespace pintle::apiserver::admission::policies

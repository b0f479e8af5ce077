#include "apiserver/admission/expressions/evaluation.h"

#include <algorithm>

#include "apiserver/admission/expressions/request_value.h"

namespace pintle::apiserver::admission::expressions {

using cel::Failure;
using cel::Value;

namespace {

constexpr std::string_view out_of_budget = "validation failed due to running out of cost budget, no further validation rules will be run";

}  // namespace

// `variables`: each is evaluated when it is first read, by a program of its own.
class Evaluation::Variables final : public cel::Map {
 public:
  explicit Variables(Evaluation& of) : of_(of) {}
  std::size_t size() const override { return of_.setting_.variables.size(); }
  std::optional<Value> find(const Value& key, cel::Arena&) const override {
    if (!key.is(Value::Kind::String)) return std::nullopt;
    const auto all = of_.setting_.variables;
    for (std::size_t i = all.size(); i-- > 0;)
      if (all[i].name == key.text()) return read(i);
    return std::nullopt;
  }
  Value key_at(std::size_t i, cel::Arena&) const override { return Value::of(std::string_view(of_.setting_.variables[i].name)); }
  Value value_at(std::size_t i, cel::Arena&) const override { return read(i); }

 private:
  Value read(std::size_t i) const {
    Value& known = of_.variables_[i];
    if (known.is(Value::Kind::Absent)) known = computed(of_.setting_.variables[i]);
    return known;
  }
  Value computed(const NamedExpression& variable) const {
    const std::string who = "composited variable \"" + variable.name + "\" fails to ";
    if (!variable.expression.program) return Value::error(of_.arena_, who + "compile: " + variable.expression.broken);
    // What has used up the budget is told when the expression ends; nothing that is read until then changes it.
    if (of_.variables_cost_ > of_.budget_) return Value::error(of_.arena_, out_of_budget, Failure::CostLimit);
    if (of_.must_stop()) return Value::error(of_.arena_, "it takes too long", Failure::Interrupted);
    const cel::Outcome outcome = of_.run(*variable.expression.program);
    of_.variables_cost_ = std::max(of_.variables_cost_, of_.variables_cost_ + outcome.cost);
    of_.cost_since_rest_ += outcome.cost;
    if (!outcome.value.is_error()) return outcome.value;
    const cel::ErrorInfo& error = outcome.value.as_error();
    const bool own = error.failure == Failure::Evaluation || error.failure == Failure::CostLimit;
    return Value::error(of_.arena_, who + "evaluate: " + std::string(error.message), own ? Failure::Evaluation : error.failure);
  }
  Evaluation& of_;
};

Evaluation::Evaluation(const Setting& setting)
    : setting_(setting), budget_(setting.budget), values_(setting.places.count()), variables_(setting.variables.size()) {
  options_.zones = setting.subject.zones;
  options_.interrupted = interrupts;
  options_.interrupted_context = this;
}

// Whether a brief evaluation has gone on for too long.
bool Evaluation::must_stop() {
  if (setting_.pace == Pace::Brief) too_long_ = too_long_ || cost_since_rest_ > brief_cost_max || checks_since_rest_ > brief_checks_max;
  return too_long_;
}

// Asked every thousand steps.
bool Evaluation::interrupts(void* evaluation) {
  auto& self = *static_cast<Evaluation*>(evaluation);
  ++self.checks_since_rest_;
  return self.setting_.ctx.done() || self.must_stop();
}

// Gives the program's variables their values, those that none has needed yet.
void Evaluation::bring(const cel::Program& program) {
  const Places& places = setting_.places;
  const Subject& subject = setting_.subject;
  const AdmissionAttributes& a = subject.attributes;
  const auto wants = [&](std::size_t place) { return program.uses(place) && values_[place].is(Value::Kind::Absent); };
  const api::GroupVersionKind& kind = shown_kind(subject);
  if (wants(Places::object)) values_[Places::object] = object_or_null(subject.object ? subject.object : a.object, &kind, arena_);
  if (wants(Places::old_object)) values_[Places::old_object] = object_or_null(subject.old_object ? subject.old_object : a.old_object, &kind, arena_);
  if (wants(Places::namespace_object)) values_[Places::namespace_object] = object_or_null(subject.namespace_object, nullptr, arena_);
  if (wants(Places::request)) values_[Places::request] = request_value(subject, arena_);
  if (places.composed && wants(places.variables())) values_[places.variables()] = Value::of(*arena_.make<Variables>(*this));
  if (places.params && wants(places.params_place())) values_[places.params_place()] = params_value(subject, arena_);
  if (setting_.decisions == nullptr) return;
  if (wants(places.authorizer())) values_[places.authorizer()] = cel::authorizer_value(*setting_.decisions, arena_);
  if (wants(places.request_resource()))
    values_[places.request_resource()] = cel::resource_check_value(*setting_.decisions, request_resource_question(a), arena_);
}

cel::Outcome Evaluation::run(const cel::Program& program) {
  bring(program);
  return program.evaluate(values_, arena_, options_);
}

Evaluated Evaluation::evaluate(const Expression& expression) {
  using Kind = Evaluated::Kind;
  if (!expression.program) return {Kind::Failed, {}, "compilation error: " + expression.broken};
  if (must_stop()) return {Kind::TooLong, {}};
  const cel::Outcome outcome = run(*expression.program);
  cost_since_rest_ += outcome.cost;
  const Failure* failure = outcome.value.is_error() ? &outcome.value.as_error().failure : nullptr;
  if (failure && *failure == Failure::Pending) return {Kind::Pending, {}};
  if (failure && *failure == Failure::Interrupted) return {too_long_ ? Kind::TooLong : Kind::Ended, {}};
  const uint64_t of_variables = std::exchange(variables_cost_, 0);
  if (of_variables > budget_ || outcome.cost > budget_ - of_variables) return {Kind::OutOfBudget, {}, std::string(out_of_budget)};
  budget_ -= of_variables + outcome.cost;
  if (failure) return {Kind::Failed, {}, "expression '" + expression.text + "' resulted in error: " + std::string(outcome.value.as_error().message)};
  return {Kind::Value, outcome.value};
}

}  // namespace pintle::apiserver::admission::expressions

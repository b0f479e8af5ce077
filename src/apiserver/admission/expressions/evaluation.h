// Evaluation: one run over a group of expressions of a webhook or a policy (its match conditions, its validations, its messages ...) for one
// request. They share the values of their variables and a budget, as upstream has it.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "apimachinery/cel/arena.h"
#include "apimachinery/cel/cost.h"
#include "apiserver/admission/expressions/access_decisions.h"
#include "apiserver/admission/expressions/compiler.h"
#include "apiserver/admission/expressions/subject.h"

namespace pintle::apiserver::admission::expressions {

struct Evaluated {
  enum class Kind : uint8_t {
    Value,
    Failed,       // this expression alone: `error` says why; the others go on
    OutOfBudget,  // no expression of the group runs any more: `error`
    Pending,      // the AccessDecisions lack an answer: fetch() it and begin again
    Ended,        // the request is over
  } kind = Kind::Value;
  cel::Value value;  // lives as long as the evaluation
  std::string error = {};
};

class Evaluation {
 public:
  // All outlive it. `variables`: of the policy, in order. `budget`: what the group may cost. `ctx`: the request's; checked while it runs.
  struct Setting {
    const Subject& subject;
    Places places;
    std::span<const NamedExpression> variables;
    AccessDecisions* decisions;
    const rt::Context& ctx;
    uint64_t budget = cel::runtime_cost_max;
  };
  explicit Evaluation(const Setting& setting);
  Evaluation(const Evaluation&) = delete;
  Evaluation& operator=(const Evaluation&) = delete;

  Evaluated evaluate(const Expression& expression);
  uint64_t budget() const { return budget_; }  // what is left of it
  cel::Arena& arena() { return arena_; }

 private:
  class Variables;
  void bring(const cel::Program& program);
  cel::Outcome run(const cel::Program& program);

  const Setting setting_;
  uint64_t budget_;
  cel::Arena arena_;
  std::vector<cel::Value> values_;
  std::vector<cel::Value> variables_;  // of setting_.variables, Absent until they are read
  uint64_t variables_cost_ = 0;        // since the last expression ended
  cel::EvaluationOptions options_;
};

}  // namespace pintle::apiserver::admission::expressions

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
    TooLong,      // for a brief evaluation: begin again where it keeps nobody waiting
    Pending,      // the AccessDecisions lack an answer: fetch() it and begin again
    Ended,        // the request is over
  } kind = Kind::Value;
  cel::Value value;  // lives as long as the evaluation
  std::string error = {};
};

// Of which length a step of an evaluation may be. Brief ones run where requests are served, and stop at what is worth some 10 ms.
enum class Pace : uint8_t { Brief, Long };
constexpr uint64_t brief_cost_max = 200'000;  // since the last rest()
constexpr unsigned brief_checks_max = 200;    // of a thousand steps, the same

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
    Pace pace = Pace::Long;
  };
  explicit Evaluation(const Setting& setting);
  Evaluation(const Evaluation&) = delete;
  Evaluation& operator=(const Evaluation&) = delete;

  Evaluated evaluate(const Expression& expression);
  uint64_t budget() const { return budget_; }  // what is left of it
  cel::Arena& arena() { return arena_; }
  // Whether it is time to let others have their turn; rest() tells that they had it.
  bool is_tired() const { return cost_since_rest_ > brief_cost_max || checks_since_rest_ > brief_checks_max / 2; }
  void rest() { cost_since_rest_ = checks_since_rest_ = 0; }

 private:
  class Variables;
  static bool interrupts(void* evaluation);
  bool must_stop();
  void bring(const cel::Program& program);
  cel::Outcome run(const cel::Program& program);

  const Setting setting_;
  uint64_t budget_;
  cel::Arena arena_;
  std::vector<cel::Value> values_;
  std::vector<cel::Value> variables_;  // of setting_.variables, Absent until they are read
  uint64_t variables_cost_ = 0;        // since the last expression ended
  uint64_t cost_since_rest_ = 0;
  unsigned checks_since_rest_ = 0;
  bool too_long_ = false;
  cel::EvaluationOptions options_;
};

}  // namespace pintle::apiserver::admission::expressions

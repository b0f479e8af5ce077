// What to do about an evaluation that could not go on: ask the authorizer what it wants to know, or give it the time that it takes.
#pragma once

#include <optional>
#include <utility>

#include "apiserver/admission/expressions/access_decisions.h"
#include "apiserver/admission/expressions/evaluation.h"
#include "rt/combine.h"
#include "rt/executor.h"
#include "rt/runtime.h"

namespace pintle::apiserver::admission::expressions {

// The answer of `evaluate(Pace)`, a task of std::optional<Result<T>>: begun again after each question that `decisions` had to ask, and on a long
// executor once it was too long for this one. `decisions` and what `evaluate` refers to outlive the task; one thread at a time has them.
template <class T, class Evaluate>
rt::Task<Result<T>> begin_until_answered(rt::Context ctx, AccessDecisions& decisions, Evaluate evaluate) {
  Pace pace = Pace::Brief;
  while (true) {
    rt::Task<std::optional<Result<T>>> evaluating = evaluate(pace);
    if (pace == Pace::Long) evaluating = rt::run_on(rt::Executor::current().runtime().long_executor(), std::move(evaluating));
    std::optional<Result<T>> answer = co_await evaluating;
    if (answer) co_return std::move(*answer);
    if (decisions.pending())
      CO_TRY(co_await decisions.fetch(ctx));
    else
      pace = Pace::Long;
  }
}

}  // namespace pintle::apiserver::admission::expressions

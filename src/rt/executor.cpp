#include "rt/executor.h"

#include "base/check.h"
#include "rt/executor_scope.h"

namespace pintle::rt {

namespace {
thread_local Executor* current_executor = nullptr;
}  // namespace

Executor* Executor::current_or_null() { return current_executor; }

Executor& Executor::current() {
  CHECK(current_executor, "not on an executor");
  return *current_executor;
}

ExecutorScope::ExecutorScope(Executor* executor) : previous_(current_executor) { current_executor = executor; }
ExecutorScope::~ExecutorScope() { current_executor = previous_; }

}  // namespace pintle::rt

// For the backends: makes `executor` the current one of this thread while it lives.
#pragma once

#include "rt/executor.h"

namespace pintle::rt {

class ExecutorScope {
 public:
  explicit ExecutorScope(Executor* executor);
  ~ExecutorScope();
  ExecutorScope(const ExecutorScope&) = delete;
  ExecutorScope& operator=(const ExecutorScope&) = delete;

 private:
  Executor* previous_;
};

}  // namespace pintle::rt

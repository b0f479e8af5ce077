// Where work goes that uses a processor for long.
#pragma once

#include "rt/runtime.h"

namespace pintle::rt {

// An executor for tasks whose steps may use a processor for up to long_held_max (rt/held.h): hand them over with run_on(). None of
// runtime.executor(i), whose other tasks would wait meanwhile. There is one for every two of those; each call gives the next. Their
// threads start when they are first asked for. The simulation, where a step takes no time, gives executor(0).
Executor& long_executor(Runtime& runtime);

// A runtime that has such executors.
class LongExecutorSource {
 public:
  virtual ~LongExecutorSource() = default;
  virtual Executor& next_long_executor() = 0;
};

}  // namespace pintle::rt

// WriterLoop: runs a LogStore's steps, one at a time: on a thread of its own, or, where everything must stay on one thread
// (a simulation), on an executor. It sleeps when there is nothing to do.
#pragma once

#include <functional>
#include <memory>

#include "rt/clock.h"
#include "rt/executor.h"

namespace pintle::storage {

class WriterLoop {
 public:
  // Does what there is to do, and says when it wants to be called again: at the latest at that time, never, or at once.
  struct Next {
    bool at_once = false;
    bool timed = false;
    rt::TimePoint when;
  };
  using Step = std::function<Next()>;

  virtual ~WriterLoop() = default;
  // Makes a step run after this call. Cheap when one is due already. Thread-safe.
  virtual void wake() = 0;
  // Returns when no step runs and none will.
  virtual void stop() = 0;
};

std::unique_ptr<WriterLoop> make_thread_loop(const rt::Clock& clock, WriterLoop::Step step);
std::unique_ptr<WriterLoop> make_executor_loop(rt::Executor& executor, WriterLoop::Step step);

}  // namespace pintle::storage

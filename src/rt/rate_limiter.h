// RateLimiter: a token bucket. Thread-safe.
#pragma once

#include "base/mutex.h"
#include "base/status.h"
#include "rt/clock.h"
#include "rt/context.h"
#include "rt/task.h"

namespace pintle::rt {

class RateLimiter {
 public:
  // `per_second` > 0 tokens come in, at most `burst` >= 1 are kept; the bucket starts full. `clock` outlives this.
  RateLimiter(const Clock& clock, double per_second, double burst);
  // Takes a token if there is one.
  bool try_take();
  // Takes a token, waiting in line for it. Fails at once with Timeout if the context's deadline comes first.
  Task<Result<Unit>> take(Context ctx);

 private:
  void refill(TimePoint now) REQUIRES(mutex_);

  const Clock& clock_;
  const double per_second_;
  const double burst_;
  ThreadMutex mutex_;
  double tokens_ GUARDED_BY(mutex_);  // negative: owed to those in line
  TimePoint refilled_ GUARDED_BY(mutex_);
};

}  // namespace pintle::rt

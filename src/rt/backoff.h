// Backoff: how long to wait before the next try; retry(): trying until it works.
#pragma once

#include <functional>

#include "rt/runtime.h"
#include "rt/sync.h"

namespace pintle::rt {

struct BackoffOptions {
  Duration initial = std::chrono::milliseconds(100);
  Duration max = std::chrono::seconds(30);
  double factor = 2.0;
  // Each wait is drawn evenly from [wait, wait * (1 + jitter)].
  double jitter = 0.2;
  // Tries of retry() in all; 0: until the context is done.
  int tries_max = 0;
};

class Backoff {
 public:
  explicit Backoff(BackoffOptions options) : options_(options), wait_(options.initial) {}
  // The wait before the next try; the one after it is `factor` longer, up to `max` (before jitter).
  Duration next(Random& random);
  void reset() { wait_ = options_.initial; }

 private:
  BackoffOptions options_;
  Duration wait_;
};

// Calls `attempt` until it succeeds, `again` says no to its error (none given: every error is tried again), tries_max is
// reached or `ctx` is done. The result is the last attempt's, or the context's error when it ended a wait.
template <class T>
Task<Result<T>> retry(Context ctx, BackoffOptions options, std::function<Task<Result<T>>()> attempt,
                      std::function<bool(const Status&)> again = nullptr) {
  Backoff backoff(options);
  for (int tries = 1;; ++tries) {
    Result<T> result = co_await attempt();
    if (result || tries == options.tries_max || (again && !again(result.error()))) co_return std::move(result);
    CO_TRY(co_await sleep_for(ctx, backoff.next(Executor::current().runtime().random())));
  }
}

}  // namespace pintle::rt

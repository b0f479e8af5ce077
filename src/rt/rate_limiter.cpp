#include "rt/rate_limiter.h"

#include <algorithm>

#include "base/check.h"
#include "rt/sync.h"

namespace pintle::rt {

RateLimiter::RateLimiter(const Clock& clock, double per_second, double burst)
    : clock_(clock), per_second_(per_second), burst_(burst), tokens_(burst), refilled_(clock.now()) {
  CHECK(per_second > 0 && burst >= 1, "a rate limiter that never lets anything through");
}

void RateLimiter::refill(TimePoint now) {
  if (now <= refilled_) return;
  const double seconds = std::chrono::duration<double>(now - refilled_).count();
  tokens_ = std::min(burst_, tokens_ + seconds * per_second_);
  refilled_ = now;
}

bool RateLimiter::try_take() {
  ThreadLock lock(mutex_);
  refill(clock_.now());
  if (tokens_ < 1) return false;
  tokens_ -= 1;
  return true;
}

Task<Result<Unit>> RateLimiter::take(Context ctx) {
  if (ctx.done()) co_return Unexpected(ctx.status());
  TimePoint when;
  {
    ThreadLock lock(mutex_);
    const TimePoint now = clock_.now();
    refill(now);
    const double missing = std::max(0.0, 1 - tokens_);
    when = now + std::chrono::ceil<Duration>(std::chrono::duration<double>(missing / per_second_));
    if (const auto deadline = ctx.deadline(); deadline && when > *deadline)
      co_return error(Reason::Timeout, "rate limit: the wait would pass the deadline");
    tokens_ -= 1;
    if (missing == 0) co_return Unit{};
  }
  auto slept = co_await sleep_until(ctx, when);
  if (!slept) {
    ThreadLock lock(mutex_);
    tokens_ += 1;  // not used after all
  }
  co_return slept;
}

}  // namespace pintle::rt

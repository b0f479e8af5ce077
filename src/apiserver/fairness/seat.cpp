#include "apiserver/fairness/fairness.h"

namespace pintle::apiserver::fairness {

// Suspends until the level wakes the guest, or `ctx` is done and it is taken out of its queue.
struct Seat::Sleep {
  Seat& seat;
  rt::Context ctx;
  rt::CancelRegistration registration;

  bool await_ready() const noexcept { return false; }
  bool await_suspend(std::coroutine_handle<> self) {
    PriorityLevel& level = *seat.classified_.flow->level;
    if (!level.sleep(seat, self)) return false;
    registration = ctx.on_done([this, self, executor = seat.executor] {
      if (seat.classified_.flow->level->abandon(seat)) executor->post(self);
    });
    return true;
  }
  void await_resume() { registration = {}; }
};

Seat::Entry Seat::enter(rt::Clock& clock, Classified classified, uint64_t hash, const UserInfo& user_of, const RequestInfo& info_of,
                        const Work& work_of) {
  clock_ = &clock;
  classified_ = std::move(classified);
  work = work_of;
  flow_hash = hash;
  stats = classified_.flow->stats.get();
  user = &user_of;
  info = &info_of;
  flow = classified_.distinguisher;
  stats->seats.observe(work.initial_seats);
  switch (classified_.flow->level->start(*this)) {
    case QueueSet::Outcome::Execute:
      seated_ = true;
      seated_at_ = began;
      stats->waited_and_executed.observe(0);
      return Entry::Seated;
    case QueueSet::Outcome::Wait: return Entry::Waiting;
    case QueueSet::Outcome::QueueFull: refusal_ = Refusal::QueueFull; break;
    case QueueSet::Outcome::OverLimit: refusal_ = Refusal::OverLimit; break;
  }
  stats->refused[static_cast<std::size_t>(refusal_)]->add();
  stats->waited_and_refused.observe(0);
  return Entry::Refused;
}

rt::Task<bool> Seat::wait(rt::Context ctx, rt::Duration limit) {
  const rt::TimePoint came = clock_->now();
  const rt::Context bounded = ctx.with_timeout(limit);
  Sleep sleep{*this, bounded, {}};
  co_await sleep;
  seated_at_ = clock_->now();
  const double waited = std::chrono::duration<double>(seated_at_ - came).count();
  if (state == State::Executing) {
    seated_ = true;
    stats->waited_and_executed.observe(waited);
    co_return true;
  }
  refusal_ = ctx.done() && ctx.status().reason == Reason::Cancelled ? Refusal::Cancelled : Refusal::TimedOut;
  stats->refused[static_cast<std::size_t>(refusal_)]->add();
  stats->waited_and_refused.observe(waited);
  co_return false;
}

void Seat::release() {
  if (!seated_) return;
  seated_ = false;
  classified_.flow->level->finish(*this);
  stats->execution.observe(std::chrono::duration<double>(clock_->now() - seated_at_).count());
}

}  // namespace pintle::apiserver::fairness

#include "client/leader_election.h"

#include "api/gen/coordination_v1.h"
#include "client/event_correlator.h"
#include "client/metrics.h"
#include "component/log.h"
#include "rt/backoff.h"
#include "rt/far_time.h"
#include "rt/sync.h"

namespace pintle::client {

namespace {

using api::coordination_v1::Lease;

constexpr double retry_jitter = 0.2;

api::MicroTime micro(rt::WallTime time) {
  api::MicroTime out;
  static_cast<api::Time&>(out) = to_time(time);
  out.nanos -= out.nanos % 1000;
  return out;
}

class Candidate {
 public:
  Candidate(Client& client, LeaderElectionOptions options, EventRecorder* events) : client_(client), options_(std::move(options)), events_(events) {}

  // Returns when it leads; an error only when `ctx` is done.
  rt::Task<Result<Unit>> acquire(rt::Context ctx) {
    while (true) {
      const bool leads = co_await try_once(ctx);
      if (leads) {
        component::log::info(0, "Became the leader", {{"lease", name()}, {"identity", options_.identity}});
        tell(" became leader");
        co_return Unit{};
      }
      CO_TRY(co_await rt::sleep_for(ctx, pause()));
    }
  }

  // Renews until that has failed for renew_deadline, or `ctx` is done.
  rt::Task<Result<Unit>> hold(rt::Context ctx) {
    rt::Clock& clock = client_.runtime().clock();
    auto renewed = clock.now();
    while (true) {
      CO_TRY(co_await rt::sleep_for(ctx, options_.retry_period));
      const auto deadline = renewed + options_.renew_deadline;
      const rt::Context bounded = ctx.with_deadline(deadline);
      const bool leads = co_await try_once(bounded);
      if (leads) {
        renewed = clock.now();
      } else if (clock.now() + options_.retry_period > deadline || lost_) {
        if (ctx.done()) co_return Unexpected(ctx.status());
        component::log::info(0, "Lost the lease", {{"lease", name()}, {"identity", options_.identity}});
        tell(" stopped leading");
        co_return error(Reason::Gone, "the lease " + name() + " was lost");
      }
    }
  }

  // Gives the lease back, so that another may lead at once.
  rt::Task<void> release() {
    if (!held_ || held_->spec.holder_identity.value_or("") != options_.identity) co_return;
    const rt::Context bounded = rt::Context::background().with_timeout(options_.renew_deadline);
    Lease lease = *held_;
    const auto now = micro(client_.runtime().clock().wall_now());
    lease.spec.holder_identity = "";
    lease.spec.lease_duration_seconds = 1;
    lease.spec.renew_time = now;
    lease.spec.acquire_time = now;
    auto put = co_await client_.update(bounded, std::move(lease));
    if (!put) component::log::info(2, "Failed to release the lease", {{"lease", name()}, {"err", put.error().message}});
  }

 private:
  std::string name() const { return options_.namespace_name + "/" + options_.name; }

  rt::Duration pause() {
    const auto spread = static_cast<uint64_t>(static_cast<double>(options_.retry_period.count()) * retry_jitter);
    return options_.retry_period + rt::Duration(static_cast<int64_t>(client_.runtime().random().below(spread + 1)));
  }

  void tell(std::string_view what) {
    if (events_ == nullptr || !held_) return;
    events_->normal(reference_to(*held_), "LeaderElection", options_.identity + std::string(what));
  }

  // One round of the protocol: true if the lease is ours now.
  rt::Task<bool> try_once(rt::Context ctx) {
    const auto now = client_.runtime().clock().now();
    lost_ = false;
    auto read = co_await client_.get<Lease>(ctx, options_.namespace_name, options_.name);
    if (!read && read.error().reason != Reason::NotFound) {
      component::log::info(4, "Cannot read the lease", {{"lease", name()}, {"err", read.error().message}});
      co_return false;
    }
    if (!read) {
      Lease fresh;
      fresh.metadata.namespace_ = options_.namespace_name;
      fresh.metadata.name = options_.name;
      fill(fresh, Lease());
      auto made = co_await client_.create(ctx, std::move(fresh));
      co_return take(std::move(made), now);
    }
    const std::string holder = read->spec.holder_identity.value_or("");
    // The record is as old as our first sight of it: clocks of other machines are not trusted.
    if (!observed_ || !same(*observed_, *read)) {
      observed_at_ = now;
      observed_ = *read;
    }
    const bool ours = holder == options_.identity;
    const auto lasts = rt::seconds_of(read->spec.lease_duration_seconds.value_or(0));
    if (!ours && !holder.empty() && observed_at_ + lasts > now) {
      lost_ = held_.has_value();
      held_.reset();
      co_return false;
    }
    Lease changed = *read;
    fill(changed, *read);
    auto put = co_await client_.update(ctx, std::move(changed));
    co_return take(std::move(put), now);
  }

  static bool same(const Lease& a, const Lease& b) {
    return a.metadata.resource_version == b.metadata.resource_version && a.metadata.uid == b.metadata.uid;
  }

  void fill(Lease& lease, const Lease& before) const {
    const auto now = micro(client_.runtime().clock().wall_now());
    const bool ours = before.spec.holder_identity.value_or("") == options_.identity;
    lease.spec.holder_identity = options_.identity;
    lease.spec.lease_duration_seconds = static_cast<int32_t>(std::chrono::duration_cast<std::chrono::seconds>(options_.lease_duration).count());
    lease.spec.renew_time = now;
    lease.spec.acquire_time = ours && before.spec.acquire_time ? *before.spec.acquire_time : now;
    const bool taken_over = !ours && !before.metadata.uid.empty();
    lease.spec.lease_transitions = before.spec.lease_transitions.value_or(0) + (taken_over ? 1 : 0);
  }

  bool take(Result<Lease> written, rt::TimePoint now) {
    if (!written) return false;
    held_ = *written;
    observed_ = std::move(*written);
    observed_at_ = now;
    return true;
  }

  Client& client_;
  const LeaderElectionOptions options_;
  EventRecorder* const events_;
  std::optional<Lease> held_;  // as we wrote it last
  std::optional<Lease> observed_;
  rt::TimePoint observed_at_{};
  bool lost_ = false;  // another holds it that was ours
};

rt::Task<void> run_lead(std::function<rt::Task<void>(rt::Context)> lead, rt::Context ctx, rt::Context term) {
  co_await lead(ctx);
  term.cancel();
}

}  // namespace

rt::Task<Result<Unit>> run_as_leader(Client& client, rt::Context ctx, LeaderElectionOptions options, EventRecorder* events,
                                     std::function<rt::Task<void>(rt::Context)> lead) {
  const bool release = options.release_on_stop;
  const std::string lease = options.name;
  const auto tell = [&client, &lease](bool leads) {
    if (client.config().metrics != nullptr) client.config().metrics->leads(lease, leads);
  };
  Candidate candidate(client, std::move(options), events);
  tell(false);
  CO_TRY(co_await candidate.acquire(ctx));
  tell(true);
  // The term ends with the lease, with `ctx`, or when `lead` returns by itself.
  const rt::Context term = ctx.child();
  rt::TaskGroup group;
  group.spawn(run_lead(std::move(lead), term, term));
  auto held = co_await candidate.hold(term);
  const bool lost = !held && held.error().reason == Reason::Gone;
  term.cancel();
  co_await group.join();
  tell(false);
  if (release && !lost) co_await candidate.release();
  if (lost) co_return held;
  co_return Unit{};
}

}  // namespace pintle::client

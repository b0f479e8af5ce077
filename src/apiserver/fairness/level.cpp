#include "apiserver/fairness/level.h"

#include <algorithm>

#include "apiserver/fairness/estimate.h"
#include "apiserver/types/user_info.h"

namespace pintle::apiserver::fairness {

namespace {

constexpr double seat_bounds[] = {0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.99, 1};
constexpr double demand_bounds[] = {0.2, 0.4, 0.6, 0.8, 1, 1.2, 1.4, 1.7, 2, 2.8, 4, 6};
constexpr double request_bounds[] = {0, 0.001, 0.003, 0.01, 0.03, 0.1, 0.25, 0.5, 0.75, 1};

QueueConfig first_config(bool exempt) {
  QueueConfig config;
  config.exempt = exempt;
  return config;
}

}  // namespace

std::optional<LevelSpec> compile(const api::flowcontrol_v1::PriorityLevelConfiguration& object) {
  LevelSpec out;
  out.name = object.metadata.name;
  out.uid = object.metadata.uid;
  const auto& spec = object.spec;
  if ((spec.type == "Exempt") != (out.name == "exempt")) return std::nullopt;
  if (spec.type == "Exempt") {
    out.queues.exempt = true;
    if (spec.exempt) {
      out.shares = spec.exempt->nominal_concurrency_shares.value_or(0);
      out.lendable_percent = spec.exempt->lendable_percent.value_or(0);
    }
    return out;
  }
  if (!spec.limited) return std::nullopt;
  out.shares = spec.limited->nominal_concurrency_shares.value_or(30);
  out.lendable_percent = spec.limited->lendable_percent.value_or(0);
  if (spec.limited->borrowing_limit_percent) out.borrowing_percent = *spec.limited->borrowing_limit_percent;
  if (const auto& queuing = spec.limited->limit_response.queuing) {
    if (queuing->queues <= 0 || queuing->hand_size <= 0 || queuing->queue_length_limit <= 0) return std::nullopt;
    out.queues.queues = queuing->queues;
    out.queues.hand_size = queuing->hand_size;
    out.queues.queue_length_limit = queuing->queue_length_limit;
  }
  return out;
}

PriorityLevel::PriorityLevel(rt::Runtime& runtime, Metrics& metrics, std::string name, bool exempt)
    : runtime_(runtime),
      metrics_(metrics),
      name_(std::move(name)),
      exempt_(exempt),
      set_(first_config(exempt), 0, runtime.clock().now()),
      demand_(runtime.clock().now()),
      seats_ratio_(seat_bounds, runtime.clock().now()),
      demand_ratio_(demand_bounds, runtime.clock().now()),
      executing_ratio_(request_bounds, runtime.clock().now()),
      waiting_ratio_(request_bounds, runtime.clock().now()) {}

QueueSet::Outcome PriorityLevel::start(Guest& guest) {
  Dispatched woken;
  QueueSet::Outcome outcome;
  int length = 0;
  {
    ThreadLock lock(mutex_);
    const rt::TimePoint now = runtime_.clock().now();  // under the lock, so that it does not go back
    set_.settle(now, woken);
    outcome = set_.start(guest, now, woken);
    if (outcome == QueueSet::Outcome::Wait) {
      ++guest.stats->waiting;
      guest.stats->waiting_seats += static_cast<int>(guest.work.max_seats());
      length = set_.queues()[static_cast<std::size_t>(guest.queue)].length;
    } else if (outcome == QueueSet::Outcome::Execute) {
      ++guest.stats->executing;
      guest.stats->executing_seats += static_cast<int>(guest.work.max_seats());
    }
    changed(now, woken);
  }
  wake(woken);
  if (outcome == QueueSet::Outcome::Execute) {
    guest.stats->dispatched.add();
  } else {
    guest.stats->no_accommodation.add();
  }
  if (outcome == QueueSet::Outcome::Wait) guest.stats->queue_length.observe(length);
  return outcome;
}

void PriorityLevel::finish(Guest& guest) {
  Dispatched woken;
  {
    ThreadLock lock(mutex_);
    const rt::TimePoint now = runtime_.clock().now();
    set_.finish(guest, now, woken);
    --guest.stats->executing;
    guest.stats->executing_seats -= static_cast<int>(guest.work.max_seats());
    changed(now, woken);
  }
  wake(woken);
}

bool PriorityLevel::abandon(Guest& guest) {
  Dispatched woken;
  {
    ThreadLock lock(mutex_);
    if (guest.state != Ticket::State::Waiting) return false;
    const rt::TimePoint now = runtime_.clock().now();
    set_.abandon(guest, now);
    --guest.stats->waiting;
    guest.stats->waiting_seats -= static_cast<int>(guest.work.max_seats());
    set_.settle(now, woken);  // those behind it may fit
    changed(now, woken);
  }
  wake(woken);
  return true;
}

bool PriorityLevel::sleep(Guest& guest, std::coroutine_handle<> handle) {
  ThreadLock lock(mutex_);
  if (guest.state != Ticket::State::Waiting) return false;
  guest.handle = handle;
  guest.executor = &rt::Executor::current();
  return true;
}

void PriorityLevel::changed(rt::TimePoint now, Dispatched& out) {
  Dispatched asleep;
  for (Ticket* ticket = out.first; ticket != nullptr;) {
    auto& guest = static_cast<Guest&>(*ticket);
    ticket = ticket->next;
    const int seats = static_cast<int>(guest.work.max_seats());
    --guest.stats->waiting;
    guest.stats->waiting_seats -= seats;
    ++guest.stats->executing;
    guest.stats->executing_seats += seats;
    guest.stats->dispatched.add();
    if (guest.handle) asleep.push(guest);  // else its task is about to look, and must not be touched after the lock
  }
  out = asleep;
  demand_.set(set_.seat_demand(), now);
  seats_ratio_.set(set_.seats_in_use(), now);
  demand_ratio_.set(set_.seat_demand(), now);
  executing_ratio_.set(set_.executing(), now);
  waiting_ratio_.set(set_.waiting(), now);
  if (const auto when = set_.next_settlement(); when && !armed_) arm(*when);
}

void PriorityLevel::wake(const Dispatched& out) {
  for (Ticket* ticket = out.first; ticket != nullptr;) {
    auto& guest = static_cast<Guest&>(*ticket);
    ticket = ticket->next;
    guest.executor->post(guest.handle);
  }
}

void PriorityLevel::arm(rt::TimePoint when) {
  armed_ = true;
  rt::Executor* executor = rt::Executor::current_or_null();
  if (executor == nullptr) executor = &runtime_.executor(0);
  executor->post_at(when, [weak = weak_from_this()] {
    if (const auto level = weak.lock()) level->on_timer();
  });
}

void PriorityLevel::on_timer() {
  Dispatched woken;
  {
    ThreadLock lock(mutex_);
    armed_ = false;
    const rt::TimePoint now = runtime_.clock().now();
    set_.settle(now, woken);
    changed(now, woken);
  }
  wake(woken);
}

void PriorityLevel::configure(const LevelSpec& spec, int nominal) {
  spec_ = spec;
  seats_max_ = level_seats_max(nominal);
  ThreadLock lock(mutex_);
  set_.configure(spec.queues);
  shares_ = make_shares(nominal, spec.lendable_percent, spec.borrowing_percent);
  const rt::TimePoint now = runtime_.clock().now();
  waiting_ratio_.set_bound(std::max(1, spec.queues.queue_length_limit) * std::max(1, spec.queues.queues), now);
  executing_ratio_.set_bound(std::max(1, nominal), now);
  seats_ratio_.set_bound(std::max(1, nominal), now);
  demand_ratio_.set_bound(std::max(1, nominal), now);
}

LevelDemand PriorityLevel::end_period(int64_t periods) {
  ThreadLock lock(mutex_);
  const rt::TimePoint now = runtime_.clock().now();
  seen_ = demand_.reset(now);
  smoothed_ = smoothed_demand(smoothed_, seen_, periods);
  return {exempt_, shares_, seen_.peak, smoothed_};
}

LevelDemand PriorityLevel::demand() {
  ThreadLock lock(mutex_);
  return {exempt_, shares_, std::max(seen_.peak, demand_.value()), smoothed_};
}

void PriorityLevel::set_limit(int seats, double target) {
  Dispatched woken;
  {
    ThreadLock lock(mutex_);
    const rt::TimePoint now = runtime_.clock().now();
    target_ = target;
    set_.set_limit(seats, now, woken);
    changed(now, woken);
  }
  wake(woken);
}

bool PriorityLevel::idle() {
  ThreadLock lock(mutex_);
  return set_.idle();
}

std::shared_ptr<FlowStats> PriorityLevel::flow(const std::string& schema) {
  ThreadLock lock(mutex_);
  auto& slot = flows_[schema];
  if (!slot) slot = metrics_.flow(name_, schema);
  return slot;
}

void PriorityLevel::forget_flows(const std::vector<std::string>& kept) {
  ThreadLock lock(mutex_);
  std::erase_if(flows_, [&](const auto& item) {
    const FlowStats& stats = *item.second;
    return stats.executing == 0 && stats.waiting == 0 && std::find(kept.begin(), kept.end(), item.first) == kept.end();
  });
}

PriorityLevel::Dump PriorityLevel::dump() {
  ThreadLock lock(mutex_);
  Dump out;
  out.limit = set_.limit();
  out.waiting = set_.waiting();
  out.waiting_seats = set_.seats_waiting();
  out.executing = set_.executing();
  out.executing_seats = set_.seats_in_use();
  out.idle = set_.idle();
  out.virtual_time = set_.virtual_time();
  for (const QueueSet::Queue& queue : set_.queues()) {
    QueueDump dumped;
    dumped.queue = queue;
    for (const Ticket* ticket = queue.first; ticket != nullptr; ticket = ticket->next) {
      const auto& guest = static_cast<const Guest&>(*ticket);
      const RequestInfo& info = *guest.info;
      dumped.requests.push_back({guest.stats->schema, std::string(guest.flow), guest.user->name, info.verb, info.path, info.ns, info.name, info.group,
                                 info.version, info.resource, info.subresource, guest.arrived, guest.work});
    }
    out.queues.push_back(std::move(dumped));
  }
  return out;
}

PriorityLevel::Figures PriorityLevel::figures() {
  ThreadLock lock(mutex_);
  Figures out;
  out.shares = shares_;
  out.limit = set_.limit();
  out.target = target_;
  out.smoothed = smoothed_;
  out.virtual_time = set_.virtual_time();
  out.seen = seen_;
  out.last_start = set_.last_start();
  out.next_starts = set_.next_starts();
  for (const auto& [schema, stats] : flows_)
    out.flows.push_back({schema, stats->executing, stats->executing_seats, stats->waiting, stats->waiting_seats});
  return out;
}

PriorityLevel::Totals PriorityLevel::totals() {
  ThreadLock lock(mutex_);
  Totals out;
  for (const auto& [schema, stats] : flows_) {
    const auto refused = [&stats](Refusal why) { return stats->refused[static_cast<std::size_t>(why)]->value(); };
    out.dispatched += stats->dispatched.value();
    out.timed_out += refused(Refusal::TimedOut);
    out.cancelled += refused(Refusal::Cancelled);
    out.rejected += refused(Refusal::QueueFull) + refused(Refusal::OverLimit) + refused(Refusal::TimedOut);
  }
  return out;
}

void PriorityLevel::write_ratio(std::string& out, Ratio ratio, std::string_view name, std::span<const std::string_view> labels,
                                std::span<const std::string> values) {
  ThreadLock lock(mutex_);
  TimingRatio& chosen = ratio == Ratio::SeatsInUse  ? seats_ratio_
                        : ratio == Ratio::Demand    ? demand_ratio_
                        : ratio == Ratio::Executing ? executing_ratio_
                                                    : waiting_ratio_;
  chosen.write(out, name, labels, values, runtime_.clock().now());
}

}  // namespace pintle::apiserver::fairness

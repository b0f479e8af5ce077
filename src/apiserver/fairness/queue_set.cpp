#include "apiserver/fairness/queue_set.h"

#include "apiserver/fairness/shuffle_sharding.h"
#include "base/check.h"
#include "rt/seconds.h"

namespace pintle::apiserver::fairness {

using rt::seconds;

QueueSet::QueueSet(const QueueConfig& config, int limit, rt::TimePoint now) : limit_(limit), last_(now) { configure(config); }

void QueueSet::configure(const QueueConfig& config) {
  config_ = config;
  config_.queues = std::min(config_.queues, queues_max);
  const auto wanted = static_cast<std::size_t>(config_.queues);
  if (wanted > queues_.size()) queues_.resize(wanted);
  while (queues_.size() > wanted && !queues_.back().active() && idle()) queues_.pop_back();
}

void QueueSet::set_limit(int seats, rt::TimePoint now, Dispatched& out) {
  advance(now);
  limit_ = seats;
  dispatch(now, out);
}

double QueueSet::total_work(const Work& work) {
  return work.initial_seats * seconds(service_time_guess) + work.final_seats * seconds(work.final_time);
}

void QueueSet::advance(rt::TimePoint now) {
  CHECK(now >= last_, "time does not go back");
  if (active_queues_ > 0) {
    const int served = std::min(seats_in_use_ + seats_waiting_, limit_);
    r_ += seconds(now - last_) * served / active_queues_;
  }
  last_ = now;
}

bool QueueSet::fits(const Work& work) const {
  if (config_.exempt) return true;
  const int seats = static_cast<int>(work.max_seats());
  if (seats > limit_) return limit_ > 0 && executing_ == 0;  // it will never fit: it runs alone
  return seats_in_use_ + seats <= limit_;
}

// The queue of the hand with the least work waiting; of those the one with the fewest seats in use.
int QueueSet::choose_queue(uint64_t flow_hash) const {
  Hand cards;
  int best = -1;
  for (const int index : deal(flow_hash, config_.queues, std::min(config_.hand_size, config_.queues), cards)) {
    if (best < 0) {
      best = index;
      continue;
    }
    const Queue& queue = queues_[static_cast<std::size_t>(index)];
    const Queue& chosen = queues_[static_cast<std::size_t>(best)];
    if (queue.work_waiting < chosen.work_waiting || (queue.work_waiting == chosen.work_waiting && queue.seats_in_use < chosen.seats_in_use))
      best = index;
  }
  return best;
}

QueueSet::Outcome QueueSet::start(Ticket& ticket, rt::TimePoint now, Dispatched& out) {
  CHECK(ticket.state == Ticket::State::Done, "a ticket starts once");
  advance(now);
  ticket.arrived = now;
  ticket.arrival_r = r_;
  ticket.queue = -1;
  const bool room = fits(ticket.work);
  if (config_.exempt || config_.queues == 0) {
    if (!room || waiting_ > 0) return Outcome::OverLimit;  // waiting_: of a configuration that had queues
    begin(ticket, now);
    return Outcome::Execute;
  }
  ticket.queue = choose_queue(ticket.flow_hash);
  Queue& queue = queues_[static_cast<std::size_t>(ticket.queue)];
  const bool was_active = queue.active();
  if (room && waiting_ == 0) {
    if (!was_active) queue.next_dispatch_r = r_, ++active_queues_;
    begin(ticket, now);
    return Outcome::Execute;
  }
  if (queue.length >= config_.queue_length_limit) return Outcome::QueueFull;
  if (!was_active) queue.next_dispatch_r = r_, ++active_queues_;
  enqueue(ticket, queue);
  dispatch(now, out);  // what waits before it may be too wide for the seats there are, and later in turn
  if (ticket.state == Ticket::State::Waiting) return Outcome::Wait;
  out.remove(ticket);
  return Outcome::Execute;
}

void QueueSet::begin(Ticket& ticket, rt::TimePoint now) {
  const int seats = static_cast<int>(ticket.work.max_seats());
  ticket.state = Ticket::State::Executing;
  ticket.began = now;
  ++executing_;
  seats_in_use_ += seats;
  if (ticket.queue < 0) return;
  Queue& queue = queues_[static_cast<std::size_t>(ticket.queue)];
  ++queue.executing;
  queue.seats_in_use += seats;
  queue.initial_seats_executing += static_cast<int>(ticket.work.initial_seats);
  queue.began_sum += ticket.work.initial_seats * seconds(now.time_since_epoch());
  last_start_ = queue.next_dispatch_r;
  queue.next_dispatch_r += total_work(ticket.work);
}

void QueueSet::enqueue(Ticket& ticket, Queue& queue) {
  ticket.state = Ticket::State::Waiting;
  ticket.previous = queue.last;
  ticket.next = nullptr;
  (queue.last ? queue.last->next : queue.first) = &ticket;
  queue.last = &ticket;
  ++queue.length;
  queue.initial_seats_waiting += static_cast<int>(ticket.work.initial_seats);
  queue.max_seats_waiting += static_cast<int>(ticket.work.max_seats());
  queue.work_waiting += total_work(ticket.work);
  ++waiting_;
  seats_waiting_ += static_cast<int>(ticket.work.max_seats());
}

void QueueSet::unlink(Ticket& ticket) {
  Queue& queue = queues_[static_cast<std::size_t>(ticket.queue)];
  (ticket.previous ? ticket.previous->next : queue.first) = ticket.next;
  (ticket.next ? ticket.next->previous : queue.last) = ticket.previous;
  --queue.length;
  queue.initial_seats_waiting -= static_cast<int>(ticket.work.initial_seats);
  queue.max_seats_waiting -= static_cast<int>(ticket.work.max_seats());
  queue.work_waiting = queue.length == 0 ? 0 : queue.work_waiting - total_work(ticket.work);
  --waiting_;
  seats_waiting_ -= static_cast<int>(ticket.work.max_seats());
  // A queue cannot save up: what waits now started to count when it came.
  if (queue.first != nullptr) queue.next_dispatch_r = std::max(queue.next_dispatch_r, queue.first->arrival_r);
}

void QueueSet::abandon(Ticket& ticket, rt::TimePoint now) {
  CHECK(ticket.state == Ticket::State::Waiting, "only what waits is abandoned");
  advance(now);
  unlink(ticket);
  ticket.state = Ticket::State::Done;
  if (!queues_[static_cast<std::size_t>(ticket.queue)].active()) --active_queues_;
}

void QueueSet::finish(Ticket& ticket, rt::TimePoint now, Dispatched& out) {
  CHECK(ticket.state == Ticket::State::Executing, "only what executes finishes");
  advance(now);
  ticket.state = Ticket::State::Done;
  --executing_;
  const int seats = static_cast<int>(ticket.work.max_seats());
  if (ticket.queue >= 0) {
    Queue& queue = queues_[static_cast<std::size_t>(ticket.queue)];
    --queue.executing;
    queue.initial_seats_executing -= static_cast<int>(ticket.work.initial_seats);
    queue.began_sum = queue.executing == 0 ? 0 : queue.began_sum - ticket.work.initial_seats * seconds(ticket.began.time_since_epoch());
    queue.next_dispatch_r += ticket.work.initial_seats * (seconds(now - ticket.began) - seconds(service_time_guess));
    if (queue.first != nullptr) queue.next_dispatch_r = std::max(queue.next_dispatch_r, queue.first->arrival_r);
    if (!queue.active()) --active_queues_;
  }
  const int kept = ticket.work.final_time > rt::Duration(0) ? static_cast<int>(ticket.work.final_seats) : 0;
  release_seats(seats - kept, ticket.queue);
  if (kept > 0) settling_.push({now + ticket.work.final_time, kept, ticket.queue});
  settle(now, out);
}

void QueueSet::release_seats(int seats, int queue) {
  seats_in_use_ -= seats;
  if (queue >= 0) queues_[static_cast<std::size_t>(queue)].seats_in_use -= seats;
}

void QueueSet::settle(rt::TimePoint now, Dispatched& out) {
  advance(now);
  while (!settling_.empty() && settling_.top().when <= now) {
    release_seats(settling_.top().seats, settling_.top().queue);
    settling_.pop();
  }
  dispatch(now, out);
}

std::optional<rt::TimePoint> QueueSet::next_settlement() const {
  if (waiting_ == 0 || settling_.empty()) return std::nullopt;
  return settling_.top().when;
}

// What those executing have taken beyond their estimates so far: without it a flow of long requests would be served
// again and again before its first one ends and is charged.
double QueueSet::overrun(const Queue& queue) const {
  if (queue.executing == 0) return 0;
  const double taken = queue.initial_seats_executing * seconds(last_.time_since_epoch()) - queue.began_sum;
  return std::max(0.0, taken - queue.initial_seats_executing * seconds(service_time_guess));
}

// The queue whose next request would finish first in virtual time; of equals the next in turn.
QueueSet::Queue* QueueSet::next_queue() {
  Queue* best = nullptr;
  double best_finish = 0;
  std::size_t best_index = robin_;
  for (std::size_t i = 1; i <= queues_.size(); ++i) {
    const std::size_t index = (robin_ + i) % queues_.size();
    Queue& queue = queues_[index];
    if (queue.length == 0) continue;
    const double finish = queue.next_dispatch_r + overrun(queue) + total_work(queue.first->work);
    if (best == nullptr || finish < best_finish) best = &queue, best_finish = finish, best_index = index;
  }
  if (best != nullptr && !fits(best->first->work)) {
    ++no_accommodation_;
    return nullptr;
  }
  robin_ = best_index;
  return best;
}

std::pair<double, double> QueueSet::next_starts() const {
  std::pair<double, double> out{0, 0};
  bool first = true;
  for (const Queue& queue : queues_) {
    if (queue.length == 0) continue;
    out.first = first ? queue.next_dispatch_r : std::min(out.first, queue.next_dispatch_r);
    out.second = std::max(out.second, queue.next_dispatch_r);
    first = false;
  }
  return out;
}

void QueueSet::dispatch(rt::TimePoint now, Dispatched& out) {
  while (waiting_ > 0) {
    Queue* queue = next_queue();
    if (queue == nullptr) return;
    Ticket& ticket = *queue->first;
    begin(ticket, now);
    unlink(ticket);
    out.push(ticket);
  }
}

}  // namespace pintle::apiserver::fairness

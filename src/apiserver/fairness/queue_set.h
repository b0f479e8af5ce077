// QueueSet: the seats of one priority level and the requests that wait for them: fair queuing for requests that take
// several seats at once. A pure state machine: no clock, no lock, no allocation for a request; its owner holds a lock and
// tells the time, which never goes back.
//
// Each queue's share of the seats is measured in virtual time R, in seat-seconds: R grows with the seats in use divided
// by the queues that have requests. A queue's next request would start at `next_dispatch_r` and finish its estimated work
// later; the one that would finish first goes first. A queue is charged the estimate when a request begins, what it takes
// beyond that while it goes on, and what it took when it ends. What fits in no way yet keeps those behind it waiting too, so that wide requests are
// not starved.
#pragma once

#include <cstdint>
#include <optional>
#include <queue>
#include <utility>
#include <vector>

#include "apiserver/fairness/work.h"

namespace pintle::apiserver::fairness {

struct QueueConfig {
  bool exempt = false;  // seats are counted and never refused
  int queues = 0;       // 0: nothing waits, what does not fit is refused
  int hand_size = 1;
  int queue_length_limit = 1;  // requests in one queue; then refused
};
constexpr int queues_max = 4096;                                           // of one level; more in its configuration count as these
constexpr rt::Duration service_time_guess = std::chrono::milliseconds(3);  // until a request has been served

// One request. Lives in its task's frame; owned by the set's lock from start() until it is Done.
struct Ticket {
  enum class State : uint8_t { Done, Waiting, Executing };
  State state = State::Done;
  Work work;
  uint64_t flow_hash = 0;
  int queue = -1;  // -1: of none
  rt::TimePoint arrived{};
  rt::TimePoint began{};
  double arrival_r = 0;
  Ticket* previous = nullptr;  // in its queue
  Ticket* next = nullptr;      // in its queue; in the list of those dispatched
};

// Tickets that have got their seats, in order.
struct Dispatched {
  Ticket* first = nullptr;
  Ticket* last = nullptr;
  void push(Ticket& ticket) {
    ticket.next = nullptr;
    (last ? last->next : first) = &ticket;
    last = &ticket;
  }
  void remove(const Ticket& ticket) {
    Dispatched others;
    for (Ticket* one = first; one != nullptr;) {
      Ticket* following = one->next;
      if (one != &ticket) others.push(*one);
      one = following;
    }
    *this = others;
  }
};

class QueueSet {
 public:
  enum class Outcome : uint8_t { Execute, Wait, QueueFull, OverLimit };

  QueueSet(const QueueConfig& config, int limit, rt::TimePoint now);
  QueueSet(const QueueSet&) = delete;
  QueueSet& operator=(const QueueSet&) = delete;

  // Queues that are no longer wanted empty themselves first.
  void configure(const QueueConfig& config);
  void set_limit(int seats, rt::TimePoint now, Dispatched& out);

  // `out`: others that got their seats, of a virtual time that has gone on meanwhile.
  Outcome start(Ticket& ticket, rt::TimePoint now, Dispatched& out);
  // Takes a waiting ticket out.
  void abandon(Ticket& ticket, rt::TimePoint now);
  // The request has been answered (or has stopped to need its seats).
  void finish(Ticket& ticket, rt::TimePoint now, Dispatched& out);
  // Gives back the seats whose final time is over by `now`.
  void settle(rt::TimePoint now, Dispatched& out);
  // When seats come back that somebody may wait for, without a finish(); nullopt: nothing waits, or nothing comes back so.
  std::optional<rt::TimePoint> next_settlement() const;

  int limit() const { return limit_; }
  int seats_in_use() const { return seats_in_use_; }
  int executing() const { return executing_; }
  int waiting() const { return waiting_; }
  int seats_waiting() const { return seats_waiting_; }
  int seat_demand() const { return seats_in_use_ + seats_waiting_; }
  bool idle() const { return executing_ == 0 && waiting_ == 0 && settling_.empty(); }
  double virtual_time() const { return r_; }
  // The virtual time at which the request that got its seats last was to start.
  double last_start() const { return last_start_; }
  // The virtual times at which the first of those that wait would start, the earliest and the latest; 0 if none waits.
  std::pair<double, double> next_starts() const;
  // How often a request stayed in its queue because the one in front did not fit.
  uint64_t no_accommodation() const { return no_accommodation_; }

  struct Queue {
    Ticket* first = nullptr;
    Ticket* last = nullptr;
    int length = 0;
    int executing = 0;
    int seats_in_use = 0;
    int initial_seats_executing = 0;
    double began_sum = 0;  // of those executing, each initial seat's begin, in seconds
    int initial_seats_waiting = 0;
    int max_seats_waiting = 0;
    double next_dispatch_r = 0;
    double work_waiting = 0;  // seat-seconds
    bool active() const { return length > 0 || executing > 0; }
  };
  const std::vector<Queue>& queues() const { return queues_; }

 private:
  struct Settling {
    rt::TimePoint when;
    int seats;
    int queue;
    bool operator>(const Settling& other) const { return when > other.when; }
  };

  void advance(rt::TimePoint now);
  bool fits(const Work& work) const;
  int choose_queue(uint64_t flow_hash) const;
  void begin(Ticket& ticket, rt::TimePoint now);
  void enqueue(Ticket& ticket, Queue& queue);
  void unlink(Ticket& ticket);
  void dispatch(rt::TimePoint now, Dispatched& out);
  Queue* next_queue();
  double overrun(const Queue& queue) const;
  void release_seats(int seats, int queue);
  static double total_work(const Work& work);

  QueueConfig config_;
  int limit_;
  std::vector<Queue> queues_;
  std::priority_queue<Settling, std::vector<Settling>, std::greater<>> settling_;
  rt::TimePoint last_;
  double r_ = 0;
  std::size_t robin_ = 0;  // the queue that was served last
  int active_queues_ = 0;
  int executing_ = 0;
  int waiting_ = 0;
  int seats_in_use_ = 0;
  int seats_waiting_ = 0;  // the widest phase of each
  double last_start_ = 0;
  uint64_t no_accommodation_ = 0;
};

}  // namespace pintle::apiserver::fairness

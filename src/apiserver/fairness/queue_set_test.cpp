#include "apiserver/fairness/queue_set.h"

#include <gtest/gtest.h>

#include <deque>
#include <random>

#include "apiserver/fairness/shuffle_sharding.h"

namespace pintle::apiserver::fairness {
namespace {

using Outcome = QueueSet::Outcome;
using std::chrono::milliseconds;

// A set, a clock, and the tickets in the order of their seats.
class Bench {
 public:
  Bench(QueueConfig config, int limit) : set(config, limit, now) {}
  Outcome start(Ticket& ticket, uint64_t flow, uint32_t seats = 1) {
    ticket.flow_hash = flow;
    ticket.work.initial_seats = seats;
    Dispatched out;
    const Outcome outcome = set.start(ticket, now, out);
    EXPECT_EQ(out.first, nullptr);
    return outcome;
  }
  std::vector<Ticket*> finish(Ticket& ticket, rt::Duration later = milliseconds(10)) {
    now += later;
    Dispatched out;
    set.finish(ticket, now, out);
    return list(out);
  }
  static std::vector<Ticket*> list(const Dispatched& out) {
    std::vector<Ticket*> tickets;
    for (Ticket* ticket = out.first; ticket != nullptr; ticket = ticket->next) tickets.push_back(ticket);
    return tickets;
  }
  rt::TimePoint now{};
  QueueSet set;
};

constexpr QueueConfig one_queue{.exempt = false, .queues = 1, .hand_size = 1, .queue_length_limit = 2};
constexpr QueueConfig two_queues{.exempt = false, .queues = 2, .hand_size = 1, .queue_length_limit = 100};

TEST(QueueSet, SeatsThenPlacesThenRefusal) {
  Bench bench(one_queue, 2);
  Ticket t[5];
  const Outcome want[] = {Outcome::Execute, Outcome::Execute, Outcome::Wait, Outcome::Wait, Outcome::QueueFull};
  for (int i = 0; i < 5; ++i) EXPECT_EQ(bench.start(t[i], 0), want[i]) << i;
  EXPECT_EQ(bench.finish(t[0]), std::vector<Ticket*>{&t[2]});
  EXPECT_EQ(bench.finish(t[2]), std::vector<Ticket*>{&t[3]});
  EXPECT_TRUE(bench.finish(t[1]).empty());
  EXPECT_TRUE(bench.finish(t[3]).empty());
  EXPECT_TRUE(bench.set.idle());
  EXPECT_EQ(bench.set.seats_in_use(), 0);
}

TEST(QueueSet, WithoutQueuesRefusesWhatDoesNotFit) {
  Bench bench({}, 1);
  Ticket a, b;
  EXPECT_EQ(bench.start(a, 0), Outcome::Execute);
  EXPECT_EQ(bench.start(b, 0), Outcome::OverLimit);
  bench.finish(a);
  EXPECT_EQ(bench.start(b, 0), Outcome::Execute);
  bench.finish(b);
}

TEST(QueueSet, ExemptRefusesNothing) {
  QueueConfig config;
  config.exempt = true;
  Bench bench(config, 0);
  std::deque<Ticket> tickets(100);
  for (Ticket& ticket : tickets) EXPECT_EQ(bench.start(ticket, 0, 10), Outcome::Execute);
  EXPECT_EQ(bench.set.seats_in_use(), 1000);
  for (Ticket& ticket : tickets) bench.finish(ticket);
}

TEST(QueueSet, AJailHoldsWhatComes) {
  Bench bench(one_queue, 0);
  Ticket a;
  EXPECT_EQ(bench.start(a, 0), Outcome::Wait);
  Dispatched out;
  bench.set.set_limit(1, bench.now, out);
  EXPECT_EQ(Bench::list(out), std::vector<Ticket*>{&a});
  bench.finish(a);
}

// A flow with a hundred waiting does not keep back another's one.
TEST(QueueSet, AHeavyFlowWaitsForItself) {
  Bench bench(two_queues, 1);
  std::deque<Ticket> heavy(50);
  for (Ticket& ticket : heavy) bench.start(ticket, 0);
  Ticket light;
  EXPECT_EQ(bench.start(light, 1), Outcome::Wait);
  auto next = bench.finish(heavy[0]);
  ASSERT_EQ(next.size(), 1u);
  EXPECT_EQ(next[0], &light);
  next = bench.finish(light);
  EXPECT_EQ(next, std::vector<Ticket*>{&heavy[1]});
}

// Long requests count while they go on: the flow that came later is next, not the second of those that hold all seats.
TEST(QueueSet, LongRequestsCountBeforeTheyEnd) {
  Bench bench(two_queues, 2);
  Ticket held[4], other;
  for (Ticket& ticket : held) bench.start(ticket, 0);
  bench.now += std::chrono::seconds(1);
  EXPECT_EQ(bench.start(other, 1), Outcome::Wait);
  EXPECT_EQ(bench.finish(held[0]), std::vector<Ticket*>{&other});
  EXPECT_EQ(bench.finish(held[1]), std::vector<Ticket*>{&held[2]});
  bench.finish(other);
  bench.finish(held[2]);
  bench.finish(held[3]);
  EXPECT_TRUE(bench.set.idle());
}

// Two flows that always have something waiting get the same seat-seconds, though one's requests are twice as wide.
TEST(QueueSet, SharesSeatSecondsNotRequests) {
  Bench bench(two_queues, 2);
  std::deque<Ticket> wide(60), narrow(60);
  for (Ticket& ticket : wide) bench.start(ticket, 0, 2);
  for (Ticket& ticket : narrow) bench.start(ticket, 1, 1);
  int served_wide = 0, served_narrow = 0;
  for (int step = 0; step < 40; ++step) {
    bench.now += milliseconds(10);
    for (auto* tickets : {&wide, &narrow}) {
      for (Ticket& ticket : *tickets) {
        if (ticket.state != Ticket::State::Executing || ticket.began == bench.now) continue;
        Dispatched out;
        bench.set.finish(ticket, bench.now, out);
        ++(tickets == &wide ? served_wide : served_narrow);
      }
    }
  }
  EXPECT_GT(served_wide, 10);
  EXPECT_NEAR(served_narrow, 2 * served_wide, 8);
}

TEST(QueueSet, AWideRequestWaitsAndIsNotPassed) {
  Bench bench(one_queue, 4);
  Ticket a, b, wide, after;
  bench.start(a, 0, 2);
  bench.start(b, 0, 2);
  EXPECT_EQ(bench.start(wide, 0, 3), Outcome::Wait);
  EXPECT_EQ(bench.start(after, 0, 1), Outcome::Wait);
  EXPECT_TRUE(bench.finish(a).empty()) << "two seats are not three, and what is behind waits too";
  EXPECT_EQ(bench.set.no_accommodation(), 3u) << "when it came, when the next came, and now";
  EXPECT_EQ(bench.finish(b), (std::vector<Ticket*>{&wide, &after}));
  bench.finish(wide);
  bench.finish(after);
}

// Another flow's turn comes first, and it is narrow enough.
TEST(QueueSet, ANarrowFlowPassesOneThatWaitsForMoreSeats) {
  Bench bench(two_queues, 4);
  Ticket wide[3], narrow;
  EXPECT_EQ(bench.start(wide[0], 0, 3), Outcome::Execute);
  EXPECT_EQ(bench.start(wide[1], 0, 3), Outcome::Wait);
  EXPECT_EQ(bench.start(narrow, 1, 1), Outcome::Execute);
  EXPECT_EQ(bench.start(wide[2], 0, 1), Outcome::Wait) << "of the same flow it waits its turn";
  EXPECT_TRUE(bench.finish(narrow).empty());
  EXPECT_EQ(bench.finish(wide[0]), (std::vector<Ticket*>{&wide[1], &wide[2]}));
  bench.finish(wide[1]);
  bench.finish(wide[2]);
}

TEST(QueueSet, WhatNeverFitsRunsAlone) {
  Bench bench(one_queue, 2);
  Ticket wide, other;
  EXPECT_EQ(bench.start(wide, 0, 5), Outcome::Execute);
  EXPECT_EQ(bench.start(other, 0), Outcome::Wait);
  EXPECT_EQ(bench.finish(wide), std::vector<Ticket*>{&other});
  bench.finish(other);
}

TEST(QueueSet, FinalSeatsAreKeptForTheirTime) {
  Bench bench(one_queue, 3);
  Ticket write, next;
  write.work.final_seats = 3;
  write.work.final_time = milliseconds(5);
  EXPECT_EQ(bench.start(write, 0), Outcome::Execute);
  EXPECT_TRUE(bench.finish(write).empty());
  EXPECT_EQ(bench.set.seats_in_use(), 3);
  EXPECT_EQ(bench.start(next, 0), Outcome::Wait);
  const auto when = bench.set.next_settlement();
  ASSERT_TRUE(when);
  EXPECT_EQ(*when, bench.now + milliseconds(5));
  Dispatched out;
  bench.now = *when;
  bench.set.settle(bench.now, out);
  EXPECT_EQ(Bench::list(out), std::vector<Ticket*>{&next});
  EXPECT_FALSE(bench.set.next_settlement());
  bench.finish(next);
}

TEST(QueueSet, AHandHasDifferentQueues) {
  std::mt19937_64 random(1);
  for (int deck : {1, 6, 64, 128}) {
    for (int i = 0; i < 200; ++i) {
      Hand cards;
      const int hand = std::min(6, deck);
      const auto dealt = deal(random(), deck, hand, cards);
      ASSERT_EQ(dealt.size(), static_cast<std::size_t>(hand));
      for (std::size_t at = 0; at < dealt.size(); ++at) {
        EXPECT_TRUE(dealt[at] >= 0 && dealt[at] < deck);
        EXPECT_TRUE(at == 0 || dealt[at - 1] < dealt[at]);
      }
    }
  }
  EXPECT_EQ(required_entropy_bits(128, 6), 42);
  EXPECT_EQ(required_entropy_bits(64, 8), 48);
  EXPECT_LE(required_entropy_bits(1, 1), 0);
}

// Whatever happens in whatever order: seats are never negative nor more than there are, and nothing is lost.
TEST(QueueSet, HoldsItsInvariants) {
  for (uint64_t seed = 1; seed <= 20; ++seed) {
    std::mt19937_64 random(seed);
    Bench bench({.exempt = false, .queues = 8, .hand_size = 2, .queue_length_limit = 5}, 6);
    std::deque<Ticket> tickets(64);
    for (int step = 0; step < 3000; ++step) {
      Ticket& ticket = tickets[random() % tickets.size()];
      bench.now += std::chrono::microseconds(random() % 2000);
      Dispatched out;
      if (ticket.state == Ticket::State::Done) {
        ticket.work = Work();
        if (random() % 4 == 0) ticket.work.final_seats = 1 + random() % 3, ticket.work.final_time = milliseconds(3);
        ticket.flow_hash = random() % 5;
        ticket.work.initial_seats = 1 + random() % 4;
        bench.set.start(ticket, bench.now, out);
      } else if (ticket.state == Ticket::State::Executing) {
        bench.set.finish(ticket, bench.now, out);
      } else if (random() % 3 == 0) {
        bench.set.abandon(ticket, bench.now);
      }
      if (random() % 50 == 0) bench.set.set_limit(4 + static_cast<int>(random() % 5), bench.now, out);
      bench.set.settle(bench.now, out);
      int executing = 0, waiting = 0, seats_waiting = 0;
      for (const Ticket& one : tickets) {
        executing += one.state == Ticket::State::Executing;
        waiting += one.state == Ticket::State::Waiting;
        if (one.state == Ticket::State::Waiting) seats_waiting += static_cast<int>(one.work.max_seats());
      }
      ASSERT_EQ(bench.set.executing(), executing);
      ASSERT_EQ(bench.set.waiting(), waiting);
      ASSERT_EQ(bench.set.seats_waiting(), seats_waiting);
      ASSERT_GE(bench.set.seats_in_use(), executing);
    }
    for (Ticket& one : tickets)
      if (one.state == Ticket::State::Waiting) bench.set.abandon(one, bench.now);
    for (Ticket& one : tickets)
      if (one.state == Ticket::State::Executing) bench.finish(one);
    Dispatched out;
    bench.set.settle(bench.now + std::chrono::seconds(1), out);
    EXPECT_TRUE(bench.set.idle());
    EXPECT_EQ(bench.set.seats_in_use(), 0);
    for (const auto& queue : bench.set.queues()) EXPECT_EQ(queue.seats_in_use, 0);
  }
}

}  // namespace
}  // namespace pintle::apiserver::fairness

#include "rt/timer_heap.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>

namespace pintle::rt {
namespace {

TimePoint at(int64_t ns) { return TimePoint(Duration(ns)); }

TEST(TimerHeap, PopsInOrderOfTimeThenAddition) {
  TimerHeap heap;
  std::string ran;
  heap.add(at(3), [&] { ran += 'c'; });
  heap.add(at(1), [&] { ran += 'a'; });
  heap.add(at(1), [&] { ran += 'b'; });
  EXPECT_EQ(heap.earliest(), at(1));
  EXPECT_FALSE(heap.pop_due(at(0)));
  while (auto work = heap.pop_due(at(5))) (*work)();
  EXPECT_EQ(ran, "abc");
  EXPECT_TRUE(heap.empty());
}

TEST(TimerHeap, RemovesOnce) {
  TimerHeap heap;
  const TimerId id = heap.add(at(1), [] {});
  EXPECT_TRUE(heap.remove(id));
  EXPECT_FALSE(heap.remove(id));
  const TimerId next = heap.add(at(1), [] {});
  EXPECT_NE(next, id);
  EXPECT_FALSE(heap.remove(id));
  EXPECT_FALSE(heap.remove(0));
  EXPECT_EQ(heap.size(), 1u);
}

TEST(TimerHeap, AgreesWithASortedListUnderRandomUse) {
  std::mt19937 random(7);
  TimerHeap heap;
  struct Known {
    TimerId id;
    int64_t when;
    int number;
  };
  std::vector<Known> known;
  std::vector<int> popped;
  int64_t now = 0;
  for (int number = 0; number < 20'000; ++number) {
    const auto dice = random() % 10;
    if (dice < 6) {
      const int64_t when = now + static_cast<int64_t>(random() % 1000);
      known.push_back({heap.add(at(when), [&popped, number] { popped.push_back(number); }), when, number});
    } else if (dice < 8 && !known.empty()) {
      const auto victim = known.begin() + static_cast<ptrdiff_t>(random() % known.size());
      ASSERT_TRUE(heap.remove(victim->id));
      known.erase(victim);
    } else {
      now += static_cast<int64_t>(random() % 50);
      std::ranges::stable_sort(known, {}, &Known::when);
      while (auto work = heap.pop_due(at(now))) {
        (*work)();
        ASSERT_FALSE(known.empty());
        ASSERT_EQ(popped.back(), known.front().number);
        known.erase(known.begin());
      }
      if (!known.empty()) {
        ASSERT_GT(known.front().when, now);
      }
    }
  }
}

}  // namespace
}  // namespace pintle::rt

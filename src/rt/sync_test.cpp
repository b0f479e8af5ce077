#include "rt/sync.h"

#include <gtest/gtest.h>

#include "rt/give_way.h"
#include "rt/test_backends.h"

namespace pintle::rt {
namespace {

using namespace std::chrono_literals;

Executor& any_executor(std::size_t i) {
  Runtime& runtime = Executor::current().runtime();
  return runtime.executor(i % runtime.executor_count());
}

Task<void> wait_and_count(Event* event, std::atomic<int>* count) {
  auto waited = co_await event->wait(Context::background());
  EXPECT_TRUE(waited.has_value());
  ++*count;
}

Task<void> event_wakes_all() {
  Event event;
  std::atomic<int> count = 0;
  TaskGroup group;
  for (std::size_t i = 0; i < 20; ++i) group.spawn_on(any_executor(i), wait_and_count(&event, &count));
  co_await yield();
  EXPECT_EQ(count, 0);
  event.set();
  co_await group.join();
  EXPECT_EQ(count, 20);
  EXPECT_TRUE(event.is_set());
  auto at_once = co_await event.wait(Context::background());
  EXPECT_TRUE(at_once.has_value());
  event.reset();
  auto timed_out = co_await event.wait(Context::background().with_timeout(1ms));
  EXPECT_FALSE(timed_out.has_value());
  EXPECT_EQ(timed_out.error().reason, Reason::Timeout);
}
TEST(Event, WakesAll) { on_each_backend(event_wakes_all); }

Task<void> wait_cancelled(Event* event, Context ctx, std::atomic<int>* ended) {
  (void)co_await event->wait(ctx);
  ++*ended;
}

Task<void> set_races_cancel() {
  for (int round = 0; round < 100; ++round) {
    Event event;
    std::atomic<int> ended = 0;
    const Context ctx = Context::background().child();
    TaskGroup group;
    for (std::size_t i = 0; i < 8; ++i) group.spawn_on(any_executor(i), wait_cancelled(&event, ctx, &ended));
    co_await yield();
    ctx.cancel();
    event.set();
    co_await group.join();
    EXPECT_EQ(ended, 8);
  }
}
TEST(Event, SetRacesCancel) { on_each_backend(set_races_cancel); }

Task<void> locked_increment(AsyncMutex* mutex, int* value) {
  for (int i = 0; i < 20; ++i) {
    auto lock = co_await mutex->lock(Context::background());
    EXPECT_TRUE(lock.has_value());
    const int before = *value;
    co_await yield();
    *value = before + 1;
  }
}

Task<void> mutex_excludes() {
  AsyncMutex mutex;
  int value = 0;
  TaskGroup group;
  for (std::size_t i = 0; i < 10; ++i) group.spawn_on(any_executor(i), locked_increment(&mutex, &value));
  co_await group.join();
  EXPECT_EQ(value, 200);
}
TEST(AsyncMutex, Excludes) { on_each_backend(mutex_excludes); }

Task<void> mutex_cancel() {
  AsyncMutex mutex;
  {
    auto held = co_await mutex.lock(Context::background());
    EXPECT_TRUE(held.has_value());
    auto refused = co_await mutex.lock(Context::background().with_timeout(1ms));
    EXPECT_FALSE(refused.has_value());
  }
  auto again = co_await mutex.lock(Context::background());
  EXPECT_TRUE(again.has_value());
}
TEST(AsyncMutex, CancelledWaiterLeavesTheQueue) { on_each_backend(mutex_cancel); }

Task<void> sleep_long(Context ctx, std::atomic<int>* cancelled) {
  auto slept = co_await sleep_for(ctx, 1h);
  if (!slept && slept.error().reason == Reason::Cancelled) ++*cancelled;
}

Task<void> close_cancels() {
  std::atomic<int> cancelled = 0;
  TaskGroup group;
  for (std::size_t i = 0; i < 50; ++i) group.spawn_on(any_executor(i), sleep_long(group.context(), &cancelled));
  EXPECT_EQ(group.size(), 50u);
  co_await group.close();
  EXPECT_EQ(cancelled, 50);
  EXPECT_TRUE(group.empty());
}
TEST(TaskGroup, CloseCancelsAndWaits) { on_each_backend(close_cancels); }

Task<void> note(std::string* out, char name, Duration after) {
  (void)co_await sleep_for(Context::background(), after);
  *out += name;
}
Task<void> sleeps_in_order() {
  std::string order;
  TaskGroup group;
  group.spawn(note(&order, 'c', 30ms));
  group.spawn(note(&order, 'a', 10ms));
  group.spawn(note(&order, 'b', 20ms));
  co_await group.join();
  EXPECT_EQ(order, "abc");
}
TEST(Sleep, Order) { on_each_backend(sleeps_in_order); }

Task<void> produce(Channel<int>* channel, int from, int count) {
  for (int i = 0; i < count; ++i) {
    auto sent = co_await channel->send(Context::background(), from + i);
    EXPECT_TRUE(sent.has_value());
  }
}
Task<void> consume(Channel<int>* channel, std::atomic<int64_t>* sum) {
  while (true) {
    auto got = co_await channel->receive(Context::background());
    if (!got) {
      EXPECT_EQ(got.error().reason, Reason::Gone);
      co_return;
    }
    *sum += *got;
  }
}
Task<void> channel_carries_all() {
  Channel<int> channel(4);
  std::atomic<int64_t> sum = 0;
  TaskGroup producers;
  TaskGroup consumers;
  for (std::size_t i = 0; i < 4; ++i) {
    producers.spawn_on(any_executor(i), produce(&channel, static_cast<int>(i) * 1000, 500));
    consumers.spawn_on(any_executor(i + 1), consume(&channel, &sum));
  }
  co_await producers.join();
  channel.close();
  co_await consumers.join();
  int64_t expected = 0;
  for (int p = 0; p < 4; ++p)
    for (int i = 0; i < 500; ++i) expected += p * 1000 + i;
  EXPECT_EQ(sum, expected);
  EXPECT_FALSE(channel.try_send(1));
  auto sent = co_await channel.send(Context::background(), 1);
  EXPECT_EQ(sent.error().reason, Reason::Gone);
}
TEST(Channel, CarriesAll) { on_each_backend(channel_carries_all); }

// Work that is posted by work, five deep.
void post_chain(int left, int* ran) {
  if (left == 0) return;
  Executor::current().post([left, ran] {
    ++*ran;
    post_chain(left - 1, ran);
  });
}
Task<void> what_is_ready_goes_first() {
  int whole = 0;
  for (int i = 0; i < 20; ++i) {
    int ran = 0;
    post_chain(5, &ran);
    co_await give_way();
    EXPECT_GE(ran, 1);
    whole += ran == 5 ? 1 : 0;
    while (ran < 5) co_await yield();
  }
  EXPECT_GT(whole, 0);  // not each time: the rounds' time may be up
}
TEST(GiveWay, WhatIsReadyGoesFirst) { testing::run_task(what_is_ready_goes_first); }

Task<void> step_often(std::vector<int>* order, int name) {
  for (int i = 0; i < 100; ++i) {
    order->push_back(name);
    co_await give_way();
  }
}
Task<void> be_busy(const std::vector<int>* order) {
  while (order->size() < 200) co_await yield();
}
// Neither of the two waits for the other, nor for somebody who is always ready.
Task<void> they_take_turns() {
  std::vector<int> order;
  TaskGroup group;
  group.spawn(step_often(&order, 0));
  group.spawn(step_often(&order, 1));
  group.spawn(be_busy(&order));
  co_await group.join();
  EXPECT_EQ(order.size(), 200u);
}
TEST(GiveWay, TakesTurns) { on_each_backend(they_take_turns); }

}  // namespace
}  // namespace pintle::rt

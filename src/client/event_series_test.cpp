#include "client/event_series.h"

#include <gtest/gtest.h>

namespace pintle::client {
namespace {

using api::core_v1::Event;
using std::chrono::minutes;
using std::chrono::seconds;

const rt::WallTime start{std::chrono::hours(24 * 365 * 50)};

Event event(std::string pod, std::string note, rt::WallTime now) {
  Event out;
  out.metadata.namespace_ = "default";
  out.metadata.name = event_name(pod, now);
  out.involved_object.name = std::move(pod);
  out.type = "Warning";
  out.reason = "FailedScheduling";
  out.action = "Scheduling";
  out.reporting_component = "default-scheduler";
  out.message = std::move(note);
  return out;
}

TEST(EventSeries, TheSecondOpensASeries) {
  EventSeries series;
  const auto first = series.observe(event("p", "0/1 nodes", start), start);
  ASSERT_TRUE(first && !first->again);
  EXPECT_EQ(first->event.event_time.seconds, to_time(start).seconds);
  EXPECT_FALSE(series.next_due());
  const auto second = series.observe(event("p", "0/2 nodes", start + seconds(5)), start + seconds(5));
  ASSERT_TRUE(second && second->again);
  EXPECT_EQ(second->event.metadata.name, first->event.metadata.name);
  EXPECT_EQ(second->patch(), R"({"series":{"count":2,"lastObservedTime":"2019-12-20T00:00:05.000000Z"}})");
  EXPECT_FALSE(series.observe(event("p", "0/2 nodes", start + seconds(9)), start + seconds(9)));
  const auto other = series.observe(event("q", "0/2 nodes", start), start);
  EXPECT_TRUE(other && !other->again);
}

TEST(EventSeries, TheCountIsSentAtItsEnd) {
  EventSeries series;
  for (int i = 0; i < 4; ++i) (void)series.observe(event("p", "m", start), start + seconds(i));
  EXPECT_EQ(*series.next_due(), start + seconds(3) + series_end_after);
  EXPECT_TRUE(series.due(start + minutes(5)).empty());
  const auto due = series.due(*series.next_due());
  ASSERT_EQ(due.size(), 1u);
  EXPECT_EQ(due[0].event.series->count, 4);
  EXPECT_FALSE(series.next_due());
  const auto later = start + minutes(20);
  const auto anew = series.observe(event("p", "m", later), later);
  EXPECT_TRUE(anew && !anew->again);
}

TEST(EventSeries, ALongOneIsRefreshed) {
  EventSeries series;
  auto now = start;
  (void)series.observe(event("p", "m", now), now);
  for (int i = 1; i <= 6; ++i) (void)series.observe(event("p", "m", now), now = start + minutes(5 * i));
  const auto due = series.due(start + minutes(35));
  ASSERT_EQ(due.size(), 1u);
  EXPECT_EQ(due[0].event.series->count, 7);
  EXPECT_TRUE(series.next_due()) << "and goes on";
}

TEST(EventSeries, OpenOnesAreLimited) {
  EventSeries series;
  for (std::size_t i = 0; i < open_series_max; ++i)
    for (int n = 0; n < 2; ++n) (void)series.observe(event("p" + std::to_string(i), "m", start), start);
  for (int n = 0; n < 2; ++n) {
    const auto sent = series.observe(event("one-more", "m", start), start);
    EXPECT_TRUE(sent && !sent->again);
  }
}

}  // namespace
}  // namespace pintle::client

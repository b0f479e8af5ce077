#include "client/event_correlator.h"

#include <gtest/gtest.h>

namespace pintle::client {
namespace {

using api::core_v1::Event;
using std::chrono::minutes;
using std::chrono::seconds;

const rt::WallTime start{std::chrono::hours(24 * 365 * 50)};

Event event(std::string object, std::string reason, std::string message, rt::WallTime now) {
  Event out;
  out.metadata.namespace_ = "default";
  out.metadata.name = event_name(object, now);
  out.involved_object.kind = "Pod";
  out.involved_object.name = std::move(object);
  out.source.component = out.reporting_component = "tester";
  out.type = "Warning";
  out.reason = std::move(reason);
  out.message = std::move(message);
  out.count = 1;
  out.first_timestamp = out.last_timestamp = to_time(now);
  return out;
}

// "name suffix differs" is not of interest: count and message say what became of it.
std::string said(EventCorrelator& correlator, Event one, rt::WallTime now) {
  auto verdict = correlator.observe(std::move(one), now);
  if (!verdict) return "held back";
  return std::to_string(verdict->event.count) + " " + verdict->event.message;
}

TEST(EventCorrelator, TheSameAgainIsCounted) {
  EventCorrelator correlator;
  auto first = correlator.observe(event("p", "Failed", "m", start), start);
  Event stored = first->event;
  correlator.sent(first->key, stored);
  const auto later = start + seconds(5);
  auto second = correlator.observe(event("p", "Failed", "m", later), later);
  EXPECT_EQ(second->event.count, 2);
  EXPECT_EQ(second->event.metadata.name, stored.metadata.name);
  EXPECT_EQ(second->event.first_timestamp, stored.first_timestamp);
  EXPECT_EQ(second->patch(), R"({"count":2,"lastTimestamp":")" + api::format_time(to_time(later)) + R"(","message":"m"})");
  EXPECT_EQ(said(correlator, event("q", "Failed", "m", later), later), "1 m");
  EXPECT_EQ(said(correlator, event("p", "Other", "m", later), later), "1 m");
}

TEST(EventCorrelator, ManySimilarOnesAreCombined) {
  EventCorrelator correlator;
  auto now = start;
  for (int i = 1; i <= 9; ++i) EXPECT_EQ(said(correlator, event("p", "Failed", std::to_string(i), now), now), "1 " + std::to_string(i));
  const auto tenth = correlator.observe(event("p", "Failed", "10", now), now);
  EXPECT_EQ(tenth->event.message, "(combined from similar events): 10");
  EXPECT_EQ(tenth->event.source.component + "/" + tenth->event.reporting_component, "tester/");
  EXPECT_EQ(said(correlator, event("p", "Failed", "11", now), now), "2 (combined from similar events): 11");
  EXPECT_EQ(said(correlator, event("p", "Failed", "12", now), now), "3 (combined from similar events): 12");
  now += minutes(11);
  EXPECT_EQ(said(correlator, event("p", "Failed", "13", now), now), "1 13");
}

TEST(EventCorrelator, ATalkativeSourceIsHeldBack) {
  EventCorrelator correlator;
  auto now = start;
  for (int i = 1; i <= 25; ++i) EXPECT_EQ(said(correlator, event("p", "Failed", "m", now), now), std::to_string(i) + " m");
  EXPECT_EQ(said(correlator, event("p", "Failed", "m", now), now), "held back");
  EXPECT_EQ(said(correlator, event("q", "Failed", "m", now), now), "1 m");
  now += minutes(5);
  EXPECT_EQ(said(correlator, event("p", "Failed", "m", now), now), "27 m");
  EXPECT_EQ(said(correlator, event("p", "Failed", "m", now), now), "held back");
}

TEST(EventCorrelator, NamesFit) {
  EXPECT_EQ(event_name("pod", rt::WallTime(std::chrono::nanoseconds(255))), "pod.ff");
  EXPECT_EQ(event_name(std::string(253, 'x'), start).size(), 253u);
}

TEST(RecentMap, ForgetsTheOldest) {
  RecentMap<int> map(2);
  map.put(1, 10);
  map.put(2, 20);
  EXPECT_EQ(*map.find(1), 10);
  map.put(3, 30);
  EXPECT_EQ(map.find(2), nullptr);
  EXPECT_EQ(*map.find(1), 10);
  EXPECT_EQ(*map.find(3), 30);
  EXPECT_EQ(map.size(), 2u);
}

}  // namespace
}  // namespace pintle::client

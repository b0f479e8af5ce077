#include "apiserver/metrics_server/plan.h"

#include <gtest/gtest.h>

#include <fmt/format.h>

namespace pintle::apiserver::metrics_server {
namespace {

using std::chrono::seconds;

constexpr rt::Duration period = seconds(15);
rt::TimePoint at(double s) { return rt::TimePoint(std::chrono::duration_cast<rt::Duration>(std::chrono::duration<double>(s))); }

api::core_v1::Node node(const std::string& ready, int32_t port) {
  api::core_v1::Node out;
  out.metadata.name = "n";
  auto& condition = out.status.conditions.emplace_back();
  condition.type = "Ready";
  condition.status = ready;
  for (const auto& [type, address] : {std::pair{"Hostname", "n"}, {"InternalIP", "fd00::1"}}) {
    auto& one = out.status.addresses.emplace_back();
    one.type = type;
    one.address = address;
  }
  out.status.daemon_endpoints.kubelet_endpoint.port = port;
  return out;
}

TEST(MetricsPlan, WhereANodesPageIs) {
  const auto url = [](const api::core_v1::Node& of, std::vector<std::string> kinds) { return page_url(of, kinds).value_or(""); };
  EXPECT_EQ(url(node("True", 10251), {"InternalIP"}), "https://[fd00::1]:10251/metrics/resource");
  EXPECT_EQ(url(node("True", 0), {"ExternalIP", "Hostname"}), "https://n:10250/metrics/resource");
  EXPECT_EQ(url(node("True", 10250), {"ExternalIP"}), "");
  EXPECT_EQ(url(node("Unknown", 10250), {"InternalIP"}), "");
  EXPECT_EQ(url(api::core_v1::Node(), {"InternalIP"}), "");
}

std::string taken(Schedule& schedule, double now, std::size_t most, std::vector<Schedule::Turn>* turns) {
  std::string out;
  for (auto& turn : schedule.take_due(at(now), most)) {
    out += turn.node + (turn.failures ? std::to_string(turn.failures) : "") + " ";
    turns->push_back(std::move(turn));
  }
  return out;
}
double next(const Schedule& schedule) {
  const auto due = schedule.next_due();
  return due ? std::chrono::duration<double>(due->time_since_epoch()).count() : -1;
}

TEST(MetricsPlan, EachNodeOnceAPeriod) {
  Schedule schedule;
  EXPECT_EQ(next(schedule), -1) << "without nodes nothing is done";
  for (const char* name : {"a", "b", "c"}) EXPECT_TRUE(schedule.set(name, std::string("https://") + name, at(1)));
  EXPECT_FALSE(schedule.set("a", "https://a", at(2)));
  EXPECT_EQ(next(schedule), 1) << "new ones at once";
  std::vector<Schedule::Turn> turns;
  EXPECT_EQ(taken(schedule, 0.5, 9, &turns), "");
  EXPECT_EQ(taken(schedule, 1, 2, &turns), "a b ");
  EXPECT_EQ(taken(schedule, 1, 9, &turns), "c ");
  EXPECT_EQ(next(schedule), -1) << "all are being asked";
  // They came together, and part.
  EXPECT_TRUE(schedule.done(turns[0], true, at(2), period, 0));
  EXPECT_TRUE(schedule.done(turns[1], true, at(2), period, 0.5));
  EXPECT_TRUE(schedule.done(turns[2], true, at(2), period, 0.999));
  turns.clear();
  EXPECT_EQ(next(schedule), 9.5);
  EXPECT_EQ(taken(schedule, 13.25, 9, &turns), "a b ");
  EXPECT_TRUE(schedule.done(turns[0], true, at(14), period, 0.7));
  EXPECT_TRUE(schedule.done(turns[1], true, at(40), period, 0.7)) << "slowly";
  turns.clear();
  EXPECT_EQ(taken(schedule, 24.4, 9, &turns), "c ");
  EXPECT_EQ(next(schedule), 24.5) << "from turn to turn";
  EXPECT_EQ(taken(schedule, 24.5, 9, &turns), "a ");
  EXPECT_EQ(next(schedule), 55) << "not at once again";
}

TEST(MetricsPlan, WhoDoesNotAnswerIsAskedLessOften) {
  Schedule schedule;
  schedule.set("a", "https://a", at(0));
  double now = 0;
  std::string pauses;
  for (int i = 0; i < 6; ++i) {
    std::vector<Schedule::Turn> turns;
    ASSERT_NE(taken(schedule, now, 1, &turns), "");
    EXPECT_EQ(turns[0].failures, i);
    ASSERT_TRUE(schedule.done(turns[0], false, at(now), period, 0));
    pauses += fmt::format("{} ", next(schedule) - now);
    now = next(schedule);
  }
  EXPECT_EQ(pauses, "30 60 120 120 120 120 ");
  std::vector<Schedule::Turn> turns;
  EXPECT_EQ(taken(schedule, now, 1, &turns), "a6 ");
  EXPECT_TRUE(schedule.done(turns[0], true, at(now), period, 0));
  EXPECT_EQ(next(schedule), now + 7.5);
  // A period that is longer than the longest pause stays one.
  EXPECT_EQ(taken(schedule, now + 8, 1, &turns), "a ");
  EXPECT_TRUE(schedule.done(turns[1], false, at(now + 8), seconds(300), 0));
  EXPECT_EQ(next(schedule), now + 308);
}

TEST(MetricsPlan, WhatWasSeenOfANodeThatIsGoneIsOfNoUse) {
  Schedule schedule;
  schedule.set("a", "https://a", at(0));
  std::vector<Schedule::Turn> turns;
  EXPECT_EQ(taken(schedule, 0, 1, &turns), "a ");
  EXPECT_TRUE(schedule.remove("a"));
  EXPECT_FALSE(schedule.remove("a"));
  EXPECT_FALSE(schedule.done(turns[0], true, at(1), period, 0));
  schedule.set("a", "https://a", at(2));
  EXPECT_FALSE(schedule.done(turns[0], true, at(2), period, 0)) << "another of that name";
  EXPECT_EQ(taken(schedule, 2, 1, &turns), "a ");
  EXPECT_TRUE(schedule.set("a", "https://elsewhere", at(3)));
  EXPECT_FALSE(schedule.done(turns[1], true, at(3), period, 0));
  EXPECT_EQ(taken(schedule, 3, 9, &turns), "a ");
  EXPECT_EQ(turns[2].url, "https://elsewhere");
  EXPECT_TRUE(schedule.set("a", "https://again", at(4)));
  EXPECT_TRUE(schedule.remove("a"));
  EXPECT_EQ(next(schedule), -1);
  EXPECT_EQ(schedule.size(), 0U);
}

TEST(MetricsPlan, InAHurryOneAfterTheOther) {
  Schedule schedule;
  std::vector<Schedule::Turn> turns;
  for (int i = 0; i < 1000; ++i) schedule.set(fmt::format("n{:04}", i), "https://n", at(0));
  taken(schedule, 0, 1000, &turns);
  for (const auto& turn : turns) schedule.done(turn, true, at(0), seconds(60), 0.5);
  EXPECT_EQ(next(schedule), 45);
  schedule.hurry(at(10));
  turns.clear();
  taken(schedule, 10, 1000, &turns);
  EXPECT_EQ(turns.size(), 1U);
  taken(schedule, 10.08, 1000, &turns);
  EXPECT_EQ(turns.size(), 11U);
  taken(schedule, 14, 1000, &turns);
  EXPECT_EQ(turns.size(), 1000U);
}

}  // namespace
}  // namespace pintle::apiserver::metrics_server

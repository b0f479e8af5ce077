#include "controller/horizontal_pod_autoscaler/behavior.h"

#include <gtest/gtest.h>

#include "controller/testing/text_objects.h"

namespace pintle::controller::horizontal_pod_autoscaler {
namespace {

using namespace testing;

constexpr rt::TimePoint at{std::chrono::seconds(1'000'000)};
constexpr rt::Duration window = std::chrono::minutes(5);

// "5@10 8@400": 5 replicas ten seconds ago, 8 four hundred.
std::vector<Remembered> remembered_of(std::string_view text) {
  std::vector<Remembered> out;
  for (const std::string& one : split(text, ' '))
    out.push_back({at - std::chrono::seconds(std::stoll(one.substr(one.find('@') + 1))), static_cast<int32_t>(std::stol(one))});
  return out;
}
std::string text_of(const std::vector<Remembered>& list) {
  Words out;
  for (const Remembered& one : list) out.add(std::to_string(one.replicas) + "@" + std::to_string((at - one.time) / std::chrono::seconds(1)));
  return out.text();
}
std::string text_of(const Limited& limited) {
  Words out;
  out.add(std::to_string(limited.replicas));
  out.add(limited.able.reason);
  out.add((limited.limited.status == "True" ? "limited:" : "free:") + limited.limited.reason);
  return out.text();
}

void check_default(const std::string& before, int32_t recommended, Bounds bounds, const std::string& want) {
  History history{remembered_of(before), {}, {}};
  EXPECT_EQ(text_of(limit_by_default(history, recommended, bounds, window, at)), want) << before << " then " << recommended;
}

TEST(Behavior, WithoutOne) {
  check_default("", 5, {3, 1, 10}, "5 ReadyForNewScale free:DesiredWithinRange");
  check_default("", 11, {6, 1, 10}, "10 ReadyForNewScale limited:TooManyReplicas");
  check_default("", 20, {6, 1, 100}, "12 ReadyForNewScale limited:ScaleUpLimit");
  check_default("", 20, {1, 1, 100}, "4 ReadyForNewScale limited:ScaleUpLimit");  // 4 at once, from however few
  check_default("", 1, {6, 2, 100}, "2 ReadyForNewScale limited:TooFewReplicas");
  check_default("7@299 9@301", 2, {8, 1, 10}, "7 ScaleDownStabilized free:DesiredWithinRange");
  check_default("7@300", 2, {8, 1, 10}, "7 ScaleDownStabilized free:DesiredWithinRange");  // the window's edge counts
  check_default("3@10", 8, {5, 1, 10}, "8 ReadyForNewScale free:DesiredWithinRange");      // growing waits for nothing
  check_default("", 2147483647, {2147483647, 1, 2147483647}, "2147483647 ReadyForNewScale free:DesiredWithinRange");
}

void check_behavior(const std::string& behavior, const History& before, int32_t recommended, Bounds bounds, const std::string& want) {
  History history = before;
  const auto read = from_yaml<HorizontalPodAutoscalerBehavior>(behavior);
  EXPECT_EQ(text_of(limit_by_behavior(history, read, recommended, bounds, window, at)), want) << behavior << " then " << recommended;
}

TEST(Behavior, Stabilises) {
  const History low{remembered_of("3@50"), {}, {}}, high{remembered_of("9@50"), {}, {}}, both{remembered_of("3@50 9@20"), {}, {}};
  const std::string minute =
      "{scaleUp: {stabilizationWindowSeconds: 60, policies: [{type: Pods, value: 99, periodSeconds: 60}]}, "
      "scaleDown: {stabilizationWindowSeconds: 60, policies: [{type: Pods, value: 99, periodSeconds: 60}]}}";
  check_behavior(minute, {}, 8, {5, 1, 10}, "8 ReadyForNewScale free:DesiredWithinRange");
  check_behavior(minute, low, 8, {5, 1, 10}, "5 ScaleUpStabilized free:DesiredWithinRange");
  check_behavior(minute, high, 2, {5, 1, 10}, "5 ScaleDownStabilized free:DesiredWithinRange");
  check_behavior(minute, both, 6, {5, 1, 10}, "5 ScaleUpStabilized free:DesiredWithinRange");
  check_behavior("{}", low, 8, {5, 1, 10}, "8 ReadyForNewScale free:DesiredWithinRange");      // growing waits for nothing by default
  check_behavior("{}", high, 2, {9, 1, 10}, "9 ScaleDownStabilized free:DesiredWithinRange");  // shrinking as long as the manager says
  check_behavior("{scaleDown: {policies: [{type: Pods, value: 99, periodSeconds: 60}]}}", high, 2, {9, 1, 10},
                 "9 ScaleDownStabilized free:DesiredWithinRange");
  check_behavior("{scaleDown: {stabilizationWindowSeconds: 0, policies: [{type: Pods, value: 99, periodSeconds: 60}]}}", high, 2, {9, 1, 10},
                 "2 ReadyForNewScale free:DesiredWithinRange");
}

std::string growing(const std::string& rules) { return "{scaleUp: {" + rules + "}, scaleDown: {stabilizationWindowSeconds: 0}}"; }
std::string shrinking(const std::string& rules) { return "{scaleUp: {}, scaleDown: {stabilizationWindowSeconds: 0, " + rules + "}}"; }

TEST(Behavior, LimitsTheRate) {
  const std::string two = "policies: [{type: Pods, value: 2, periodSeconds: 60}, {type: Percent, value: 50, periodSeconds: 60}]";
  check_behavior(growing(two), {}, 20, {10, 1, 100}, "15 ReadyForNewScale limited:ScaleUpLimit");
  check_behavior(growing(two + ", selectPolicy: Min"), {}, 20, {10, 1, 100}, "12 ReadyForNewScale limited:ScaleUpLimit");
  check_behavior(growing(two + ", selectPolicy: Disabled"), {}, 20, {10, 1, 100}, "10 ReadyForNewScale limited:ScaleUpLimit");
  check_behavior(growing(two), {}, 20, {10, 1, 12}, "12 ReadyForNewScale limited:TooManyReplicas");
  check_behavior(growing(two), {}, 14, {10, 1, 100}, "14 ReadyForNewScale free:DesiredWithinRange");
  check_behavior(growing("policies: [{type: Percent, value: 10, periodSeconds: 60}]"), {}, 20, {3, 1, 100},
                 "4 ReadyForNewScale limited:ScaleUpLimit");  // a fraction is a pod more
  check_behavior("{}", {}, 20, {3, 1, 100}, "7 ReadyForNewScale limited:ScaleUpLimit");
  check_behavior("{}", {}, 50, {10, 1, 100}, "20 ReadyForNewScale limited:ScaleUpLimit");
  check_behavior(shrinking(two), {}, 1, {10, 1, 100}, "5 ReadyForNewScale limited:ScaleDownLimit");
  check_behavior(shrinking(two + ", selectPolicy: Min"), {}, 1, {10, 1, 100}, "8 ReadyForNewScale limited:ScaleDownLimit");
  check_behavior(shrinking(two + ", selectPolicy: Disabled"), {}, 1, {10, 1, 100}, "10 ReadyForNewScale limited:ScaleDownLimit");
  check_behavior(shrinking(two), {}, 1, {10, 7, 100}, "7 ReadyForNewScale limited:TooFewReplicas");
  check_behavior(shrinking(two), {}, 8, {10, 1, 100}, "8 ReadyForNewScale free:DesiredWithinRange");
  check_behavior(growing("policies: [{type: Pods, value: 2147483647, periodSeconds: 60}]"), {}, 2147483647, {10, 1, 2147483647},
                 "2147483647 ReadyForNewScale free:DesiredWithinRange");
}

TEST(Behavior, CountsPastScalings) {
  const std::string four = "policies: [{type: Pods, value: 4, periodSeconds: 60}]";
  check_behavior(growing(four), {{}, remembered_of("3@30"), {}}, 20, {10, 1, 100}, "11 ReadyForNewScale limited:ScaleUpLimit");
  check_behavior(growing(four), {{}, remembered_of("3@30 9@61"), {}}, 20, {10, 1, 100}, "11 ReadyForNewScale limited:ScaleUpLimit");
  check_behavior(growing(four), {{}, remembered_of("9@30"), {}}, 20, {10, 1, 100}, "10 ReadyForNewScale limited:ScaleUpLimit");
  check_behavior(growing(four), {{}, {}, remembered_of("2@30")}, 20, {10, 1, 100}, "16 ReadyForNewScale limited:ScaleUpLimit");
  check_behavior(shrinking(four), {{}, {}, remembered_of("3@30")}, 1, {10, 1, 100}, "9 ReadyForNewScale limited:ScaleDownLimit");
  check_behavior(shrinking(four), {{}, remembered_of("2@30"), {}}, 1, {10, 1, 100}, "4 ReadyForNewScale limited:ScaleDownLimit");
}

TEST(Behavior, RemembersNoLongerThanItMust) {
  History history{remembered_of("1@400 2@200"), {}, {}};
  limit_by_default(history, 3, {3, 1, 10}, window, at);
  EXPECT_EQ(text_of(history.recommendations), "2@200 3@0");
  const auto minute = from_yaml<HorizontalPodAutoscalerBehavior>(
      "{scaleUp: {policies: [{type: Pods, value: 4, periodSeconds: 60}]}, scaleDown: {policies: [{type: Pods, value: 4, periodSeconds: 30}]}}");
  history.grown = remembered_of("5@61 6@60");
  history.shrunk = remembered_of("5@31 6@30");
  remember_scaling(history, minute, 3, 7, at);
  remember_scaling(history, minute, 7, 5, at);
  EXPECT_EQ(text_of(history.grown), "6@60 4@0");
  EXPECT_EQ(text_of(history.shrunk), "6@30 2@0");
  for (std::size_t i = 0; i < remembered_max + 10; ++i) limit_by_default(history, static_cast<int32_t>(i), {3, 1, 10}, window, at);
  EXPECT_EQ(history.recommendations.size(), remembered_max);
  History fresh;
  remember_start(fresh, 6, at);
  remember_start(fresh, 9, at);
  EXPECT_EQ(text_of(fresh.recommendations), "6@0");
}

}  // namespace
}  // namespace pintle::controller::horizontal_pod_autoscaler

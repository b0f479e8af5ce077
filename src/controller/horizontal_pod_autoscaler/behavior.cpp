#include "controller/horizontal_pod_autoscaler/behavior.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <optional>
#include <string>

#include "rt/far_time.h"

namespace pintle::controller::horizontal_pod_autoscaler {

namespace {

using api::autoscaling_v2::HPAScalingPolicy;
using api::autoscaling_v2::HPAScalingRules;

constexpr int32_t grow_factor = 2;
constexpr int32_t grow_floor = 4;
constexpr int32_t usual_period_seconds = 15;

constexpr std::string_view within_message = "the desired count is within the acceptable range";
constexpr std::string_view grows_too_fast = "the desired replica count is increasing faster than the maximum scale rate";
constexpr std::string_view shrinks_too_fast = "the desired replica count is decreasing faster than the maximum scale rate";
constexpr std::string_view too_many = "the desired replica count is more than the maximum replica count";
constexpr std::string_view too_few = "the desired replica count is less than the minimum replica count";
constexpr std::string_view were_higher = "recent recommendations were higher than current one, applying the highest recent recommendation";
constexpr std::string_view were_lower = "recent recommendations were lower than current one, applying the lowest recent recommendation";

HorizontalPodAutoscalerCondition condition(std::string_view type, bool holds, std::string_view reason, std::string_view message) {
  HorizontalPodAutoscalerCondition out;
  out.type = type;
  out.status = holds ? "True" : "False";
  out.reason = reason;
  out.message = message;
  return out;
}

struct Verdict {
  int32_t replicas = 0;
  std::string_view reason = "DesiredWithinRange";
  std::string_view message = within_message;
};

Limited outcome(int32_t recommended, const Verdict& stabilised, const Verdict& limited) {
  Limited out;
  out.replicas = limited.replicas;
  out.able = recommended == stabilised.replicas ? condition("AbleToScale", true, "ReadyForNewScale", "recommended size matches current size")
                                                : condition("AbleToScale", true, stabilised.reason, stabilised.message);
  out.limited = condition("ScalingLimited", limited.replicas != stabilised.replicas, limited.reason, limited.message);
  return out;
}

void remember(std::vector<Remembered>& list, int32_t replicas, rt::TimePoint at, rt::TimePoint oldest) {
  std::erase_if(list, [&](const Remembered& one) { return one.time < oldest; });
  if (list.size() >= remembered_max) list.erase(list.begin());
  list.push_back({at, replicas});
}

// What the API server fills in.
HPAScalingPolicy policy_of(const char* type, int32_t value) {
  HPAScalingPolicy out;
  out.type = type;
  out.value = value;
  out.period_seconds = usual_period_seconds;
  return out;
}
HPAScalingRules growing_rules(const HorizontalPodAutoscalerBehavior& behavior) {
  HPAScalingRules out = behavior.scale_up ? *behavior.scale_up : HPAScalingRules();
  if (out.policies.empty()) out.policies = {policy_of("Pods", grow_floor), policy_of("Percent", 100)};
  return out;
}
HPAScalingRules shrinking_rules(const HorizontalPodAutoscalerBehavior& behavior) {
  HPAScalingRules out = behavior.scale_down ? *behavior.scale_down : HPAScalingRules();
  if (out.policies.empty()) out.policies = {policy_of("Percent", 100)};
  return out;
}

int64_t sum_since(const std::vector<Remembered>& list, rt::TimePoint cut) {
  int64_t sum = 0;
  for (const Remembered& one : list)
    if (one.time > cut) sum += one.replicas;
  return sum;
}

int32_t in_range(double value) {
  return static_cast<int32_t>(
      std::clamp(value, static_cast<double>(std::numeric_limits<int32_t>::min()), static_cast<double>(std::numeric_limits<int32_t>::max())));
}

// How far the policies let the number go. Growing, Max takes the highest number that one of them allows, shrinking the lowest.
int32_t policy_limit(const History& history, const HPAScalingRules& rules, int32_t current, bool grows, rt::TimePoint at) {
  const std::string select = rules.select_policy.value_or("Max");
  if (select == "Disabled") return current;
  const bool highest = grows == (select == "Max");
  std::optional<int32_t> limit;  // there is a policy
  for (const HPAScalingPolicy& policy : rules.policies) {
    const rt::TimePoint cut = at - rt::seconds_of(policy.period_seconds);
    const auto start = static_cast<double>(current - sum_since(history.grown, cut) + sum_since(history.shrunk, cut));
    const double sign = grows ? 1.0 : -1.0;
    double proposed = start + sign * policy.value;
    if (policy.type == "Percent") proposed = start * (1.0 + sign * policy.value / 100.0);
    // Growing, a fraction is a pod more, or a small number would never grow.
    const int32_t allowed = in_range(grows ? std::ceil(proposed) : std::trunc(proposed));
    if (!limit)
      limit = allowed;
    else
      limit = highest ? std::max(*limit, allowed) : std::min(*limit, allowed);
  }
  return *limit;
}

Verdict limit_by_policies(const History& history, const HorizontalPodAutoscalerBehavior& behavior, int32_t wanted, const Bounds& bounds,
                          rt::TimePoint at) {
  if (wanted > bounds.current) {
    const int32_t rate = std::max(policy_limit(history, growing_rules(behavior), bounds.current, true, at), bounds.current);
    const int32_t most = std::min(bounds.most, rate);
    if (wanted <= most) return {wanted};
    return bounds.most > rate ? Verdict{most, "ScaleUpLimit", grows_too_fast} : Verdict{most, "TooManyReplicas", too_many};
  }
  if (wanted < bounds.current) {
    const int32_t rate = std::min(policy_limit(history, shrinking_rules(behavior), bounds.current, false, at), bounds.current);
    const int32_t least = std::max(bounds.least, rate);
    if (wanted >= least) return {wanted};
    return bounds.least < rate ? Verdict{least, "ScaleDownLimit", shrinks_too_fast} : Verdict{least, "TooFewReplicas", too_few};
  }
  return {wanted};
}

int32_t longest_period(const HPAScalingRules& rules) {
  int32_t longest = 0;
  for (const HPAScalingPolicy& policy : rules.policies) longest = std::max(longest, policy.period_seconds);
  return longest;
}

}  // namespace

Limited limit_by_default(History& history, int32_t recommended, const Bounds& bounds, rt::Duration downscale_window, rt::TimePoint at) {
  const rt::TimePoint cut = at - rt::bounded(downscale_window);
  Verdict stabilised{recommended, "ScaleDownStabilized", were_higher};
  for (const Remembered& one : history.recommendations)
    if (one.time >= cut) stabilised.replicas = std::max(stabilised.replicas, one.replicas);
  remember(history.recommendations, recommended, at, cut);

  const auto rate = static_cast<int32_t>(
      std::min<int64_t>(std::max<int64_t>(int64_t{grow_factor} * bounds.current, grow_floor), std::numeric_limits<int32_t>::max()));
  const int32_t wanted = stabilised.replicas, most = std::min(bounds.most, rate);
  Verdict limited{wanted};
  if (wanted < bounds.least)
    limited = {bounds.least, "TooFewReplicas", too_few};
  else if (wanted > most)
    limited = bounds.most > rate ? Verdict{most, "ScaleUpLimit", grows_too_fast} : Verdict{most, "TooManyReplicas", too_many};
  return outcome(recommended, stabilised, limited);
}

Limited limit_by_behavior(History& history, const HorizontalPodAutoscalerBehavior& behavior, int32_t recommended, const Bounds& bounds,
                          rt::Duration downscale_window, rt::TimePoint at) {
  const auto window_of = [](const auto& rules, rt::Duration usual) {
    return rules && rules->stabilization_window_seconds ? rt::seconds_of(*rules->stabilization_window_seconds) : usual;
  };
  const rt::TimePoint up_cut = at - window_of(behavior.scale_up, rt::Duration::zero());
  const rt::TimePoint down_cut = at - window_of(behavior.scale_down, rt::bounded(downscale_window));
  int32_t lowest = recommended, highest = recommended;
  for (const Remembered& one : history.recommendations) {
    if (one.time > up_cut) lowest = std::min(lowest, one.replicas);
    if (one.time > down_cut) highest = std::max(highest, one.replicas);
  }
  remember(history.recommendations, recommended, at, std::min(up_cut, down_cut));
  Verdict stabilised{std::min(std::max(bounds.current, lowest), highest), "ScaleUpStabilized", were_lower};
  if (recommended < bounds.current) stabilised = {stabilised.replicas, "ScaleDownStabilized", were_higher};
  return outcome(recommended, stabilised, limit_by_policies(history, behavior, stabilised.replicas, bounds, at));
}

void remember_scaling(History& history, const HorizontalPodAutoscalerBehavior& behavior, int32_t from, int32_t to, rt::TimePoint at) {
  const auto cut = [&](const HPAScalingRules& rules) { return at - rt::seconds_of(longest_period(rules)); };
  if (to > from)
    remember(history.grown, to - from, at, cut(growing_rules(behavior)));
  else
    remember(history.shrunk, from - to, at, cut(shrinking_rules(behavior)));
}

void remember_start(History& history, int32_t current, rt::TimePoint at) {
  if (history.recommendations.empty()) history.recommendations.push_back({at, current});
}

}  // namespace pintle::controller::horizontal_pod_autoscaler

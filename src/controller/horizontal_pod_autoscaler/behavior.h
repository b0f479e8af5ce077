// What becomes of a recommendation before the target is scaled: it is stabilised by those before it, then limited by the bounds of the
// autoscaler and by how fast the number may change. Without a behavior: not below the highest recommendation of the manager's window, and
// at most to the double or to 4. With one: its windows, and its policies over the scalings of their periods. Pure; the caller keeps History.
#pragma once

#include <cstdint>
#include <vector>

#include "api/gen/autoscaling_v2.h"
#include "rt/clock.h"

namespace pintle::controller::horizontal_pod_autoscaler {

using api::autoscaling_v2::HorizontalPodAutoscalerBehavior;
using api::autoscaling_v2::HorizontalPodAutoscalerCondition;

// What was recommended, or by how many pods the target was scaled.
struct Remembered {
  rt::TimePoint time;
  int32_t replicas = 0;
};
inline constexpr std::size_t remembered_max = 4096;  // of each list: the oldest goes. An hour of recommendations is 240

// Of one autoscaler, in the order of time; what no window reaches any more is dropped.
struct History {
  std::vector<Remembered> recommendations;  // before they were stabilised
  std::vector<Remembered> grown;
  std::vector<Remembered> shrunk;
};

struct Bounds {
  int32_t current = 0;
  int32_t least = 1;
  int32_t most = 1;
};

struct Limited {
  int32_t replicas = 0;
  HorizontalPodAutoscalerCondition able;  // AbleToScale and ScalingLimited, without their times
  HorizontalPodAutoscalerCondition limited;
};

// `downscale_window`: of --horizontal-pod-autoscaler-downscale-stabilization, where the behavior has none.
Limited limit_by_default(History& history, int32_t recommended, const Bounds& bounds, rt::Duration downscale_window, rt::TimePoint at);
Limited limit_by_behavior(History& history, const HorizontalPodAutoscalerBehavior& behavior, int32_t recommended, const Bounds& bounds,
                          rt::Duration downscale_window, rt::TimePoint at);
// The target was scaled.
void remember_scaling(History& history, const HorizontalPodAutoscalerBehavior& behavior, int32_t from, int32_t to, rt::TimePoint at);
// The first recommendation of an autoscaler is the number that it finds.
void remember_start(History& history, int32_t current, rt::TimePoint at);

}  // namespace pintle::controller::horizontal_pod_autoscaler

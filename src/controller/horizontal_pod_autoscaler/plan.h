// What a HorizontalPodAutoscaler does at one of its looks at the target: its status, its events, and the number that the target is to get.
// The most that one of the metrics asks for counts, stabilised and limited (behavior.h); a target outside the autoscaler's bounds is brought
// back without a question, and one that stands at 0 is left alone. With metrics that cannot be read nothing shrinks. Pure.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "api/gen/autoscaling_v2.h"
#include "controller/horizontal_pod_autoscaler/behavior.h"
#include "controller/horizontal_pod_autoscaler/metric_rule.h"

namespace pintle::controller::horizontal_pod_autoscaler {

using api::autoscaling_v2::HorizontalPodAutoscaler;
using api::autoscaling_v2::HorizontalPodAutoscalerStatus;

struct Settings {
  double tolerance = 0.1;
  rt::Duration downscale_window = std::chrono::minutes(5);
  rt::Duration cpu_initialization_period = std::chrono::minutes(5);
  rt::Duration initial_readiness_delay = std::chrono::seconds(30);
  bool configurable_tolerance = true;  // the gate HPAConfigurableTolerance
  bool scale_to_zero = false;          // HPAScaleToZero
  bool pod_level_resources = true;     // PodLevelResources
};

// Why the target's selector cannot be scaled by.
struct Refusal {
  Event event;
  std::string condition_reason;
  std::string condition_message;
};
Refusal no_selector();
Refusal bad_selector(const Status& why);
// `keys`: of the autoscalers that pick the same pods, two or more.
Refusal shared_selector(std::string_view selector, std::span<const std::string> keys);

struct Observed {
  const HorizontalPodAutoscaler& autoscaler;
  Workload workload;                          // its target
  const Refusal* refusal = nullptr;           // of the target's selector
  std::span<const Result<Measured>> metrics;  // one for each of spec.metrics, if needs_metrics and there is no refusal
  const Settings& settings;
  rt::TimePoint at;
  rt::WallTime now;
};

struct Rescale {
  int32_t from = 0;
  int32_t to = 0;
  std::string reason;
};
struct Plan {
  HorizontalPodAutoscalerStatus status;  // if there is a rescale: until it has worked
  std::vector<Event> events;
  std::optional<Rescale> rescale;
  History history;
  std::vector<std::optional<int32_t>> proposals;  // of each metric that was looked at; nothing: it cannot be relied upon
  bool failed = false;                            // the look came to nothing
};

// Whether the metrics decide, of a target that is to have `replicas` pods.
bool needs_metrics(const HorizontalPodAutoscaler& autoscaler, int32_t replicas, const Settings& settings);
Plan plan_autoscaler(const Observed& seen, History history);
// The target's scale cannot be read.
Plan plan_unreachable(const HorizontalPodAutoscaler& autoscaler, const Status& why, rt::WallTime now);
// The plan with the outcome of its rescale in it.
Plan conclude_rescale(Plan plan, const Observed& seen, const Result<Unit>& outcome);

}  // namespace pintle::controller::horizontal_pod_autoscaler

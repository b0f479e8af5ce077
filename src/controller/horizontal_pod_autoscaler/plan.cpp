#include "controller/horizontal_pod_autoscaler/plan.h"

#include <algorithm>
#include <charconv>

#include "apimachinery/clock_time.h"
#include "base/check.h"
#include "rules/conditions.h"

namespace pintle::controller::horizontal_pod_autoscaler {

namespace {

constexpr std::string_view below_minimum = "Current number of replicas below Spec.MinReplicas";
constexpr std::string_view above_maximum = "Current number of replicas above Spec.MaxReplicas";

struct Finding {
  std::string_view type;
  bool holds = false;
  std::string_view reason;
  std::string message;
};

void put(HorizontalPodAutoscalerStatus& status, HorizontalPodAutoscalerCondition condition, rt::WallTime now) {
  condition.last_transition_time = apimachinery::to_api_time(now);
  rules::set_condition(status.conditions, std::move(condition));
}
void note(HorizontalPodAutoscalerStatus& status, Finding finding, rt::WallTime now) {
  HorizontalPodAutoscalerCondition condition;
  condition.type = finding.type;
  condition.status = finding.holds ? "True" : "False";
  condition.reason = finding.reason;
  condition.message = std::move(finding.message);
  put(status, std::move(condition), now);
}

int32_t least_of(const HorizontalPodAutoscaler& autoscaler) { return autoscaler.spec.min_replicas.value_or(1); }

bool scales_by_other_than_pods(const HorizontalPodAutoscaler& autoscaler) {
  return std::ranges::any_of(autoscaler.spec.metrics, [](const MetricSpec& spec) { return spec.type == "Object" || spec.type == "External"; });
}

// It stands at 0 because this autoscaler put it there.
bool was_scaled_to_zero(const HorizontalPodAutoscaler& autoscaler, const Settings& settings) {
  return settings.scale_to_zero && rules::condition_is(autoscaler.status.conditions, "ScaledToZero", "True");
}

// Finer than a thousandth, as tolerances may be.
double approximate(const api::Quantity& quantity) {
  const std::string& text = quantity.text();
  double value = 0;
  const auto read = std::from_chars(text.data(), text.data() + text.size(), value);
  const std::string_view suffix = std::string_view(text).substr(static_cast<std::size_t>(read.ptr - text.data()));
  if (suffix.empty()) return value;
  if (suffix == "m") return value / 1e3;
  if (suffix == "u") return value / 1e6;
  if (suffix == "n") return value / 1e9;
  return static_cast<double>(quantity.milli_value()) / 1e3;
}

CountRules count_rules(const Observed& seen) {
  const Settings& settings = seen.settings;
  CountRules out;
  out.tolerances = {settings.tolerance, settings.tolerance};
  const auto& behavior = seen.autoscaler.spec.behavior;
  if (behavior && settings.configurable_tolerance) {
    if (behavior->scale_down && behavior->scale_down->tolerance) out.tolerances.down = approximate(*behavior->scale_down->tolerance);
    if (behavior->scale_up && behavior->scale_up->tolerance) out.tolerances.up = approximate(*behavior->scale_up->tolerance);
  }
  out.cpu_initialization_period = settings.cpu_initialization_period;
  out.initial_readiness_delay = settings.initial_readiness_delay;
  out.pod_level_resources = settings.pod_level_resources;
  out.now = seen.now;
  return out;
}

// What the metrics ask for together.
struct Wanted {
  int32_t replicas = 0;
  std::string name;  // of the metric that asks for it
};

// Nothing: no number can be relied upon; why is among the plan's events and conditions.
std::optional<Wanted> ask_metrics(const Observed& seen, Plan& plan) {
  if (seen.refusal != nullptr) {
    plan.events.push_back(seen.refusal->event);
    note(plan.status, {"ScalingActive", false, seen.refusal->condition_reason, seen.refusal->condition_message}, seen.now);
    plan.events.push_back({true, "FailedComputeMetricsReplicas", seen.refusal->event.message});
    return std::nullopt;
  }
  const auto& specs = seen.autoscaler.spec.metrics;
  CHECK(seen.metrics.size() == specs.size(), "every metric was asked for");
  const CountRules rules = count_rules(seen);
  Wanted wanted;
  std::size_t invalid = 0;
  std::string first_error;
  Finding first_finding{"ScalingActive", false, {}, {}};
  Event first_event;
  for (std::size_t i = 0; i < specs.size(); ++i) {
    Ruling ruling = rule_on(specs[i], seen.autoscaler.metadata.namespace_, seen.metrics[i], seen.workload, rules);
    plan.status.current_metrics.push_back(std::move(ruling.status));
    plan.proposals.push_back(ruling.proposal ? std::optional(ruling.proposal->replicas) : std::nullopt);
    if (!ruling.proposal) {
      if (invalid++ == 0) {
        first_error = ruling.proposal.error().message;
        first_event = ruling.failure;
      }
      plan.events.push_back(std::move(ruling.failure));
    } else if (wanted.replicas == 0 || ruling.proposal->replicas > wanted.replicas) {
      wanted = {ruling.proposal->replicas, std::move(ruling.name)};
    }
  }
  if (invalid >= specs.size() || (invalid > 0 && wanted.replicas < seen.workload.wanted)) {
    first_finding.reason = first_event.reason;
    first_finding.message = "the HPA was unable to compute the replica count: " + first_event.message;
    note(plan.status, std::move(first_finding), seen.now);
    plan.events.push_back(
        {true, "FailedComputeMetricsReplicas",
         "invalid metrics (" + std::to_string(invalid) + " invalid out of " + std::to_string(specs.size()) + "), first error is: " + first_error});
    return std::nullopt;
  }
  note(plan.status, {"ScalingActive", true, "ValidMetricFound", "the HPA was able to successfully calculate a replica count from " + wanted.name},
       seen.now);
  return wanted;
}

Rescale rescale_by_metrics(const Observed& seen, const Wanted& asked, Plan& plan) {
  const auto& spec = seen.autoscaler.spec;
  const int32_t current = seen.workload.wanted, least = least_of(seen.autoscaler);
  const int32_t recommended = std::max(asked.replicas, 0);
  Rescale out{current, recommended, {}};
  if (recommended > current) out.reason = asked.name + " above target";
  if (recommended < current) out.reason = "All metrics below target";
  const Bounds bounds{current, least, spec.max_replicas};
  Limited limited = spec.behavior ? limit_by_behavior(plan.history, *spec.behavior, recommended, bounds, seen.settings.downscale_window, seen.at)
                                  : limit_by_default(plan.history, recommended, bounds, seen.settings.downscale_window, seen.at);
  out.to = limited.replicas;
  put(plan.status, std::move(limited.able), seen.now);
  put(plan.status, std::move(limited.limited), seen.now);
  // Its least was raised while it stood at 0.
  if (current == 0 && least != 0 && was_scaled_to_zero(seen.autoscaler, seen.settings) && out.to < least) {
    out.to = least;
    if (out.reason.empty()) out.reason = below_minimum;
  }
  return out;
}

}  // namespace

Refusal no_selector() {
  return {{true, "SelectorRequired", "selector is required"}, "InvalidSelector", "the HPA target's scale is missing a selector"};
}

Refusal bad_selector(const Status& why) {
  const std::string text = "couldn't convert selector into a corresponding internal selector object: " + why.message;
  return {{true, "InvalidSelector", text}, "InvalidSelector", text};
}

Refusal shared_selector(std::string_view selector, std::span<const std::string> keys) {
  std::string text = "pods by selector " + std::string(selector) + " are controlled by multiple HPAs: [";
  for (std::size_t i = 0; i < keys.size(); ++i) text += (i > 0 ? " " : "") + keys[i];
  text += "]";
  return {{true, "AmbiguousSelector", text}, "AmbiguousSelector", text};
}

bool needs_metrics(const HorizontalPodAutoscaler& autoscaler, int32_t replicas, const Settings& settings) {
  if (replicas == 0) return was_scaled_to_zero(autoscaler, settings) && (least_of(autoscaler) != 0 || scales_by_other_than_pods(autoscaler));
  return replicas <= autoscaler.spec.max_replicas && replicas >= least_of(autoscaler);
}

Plan plan_autoscaler(const Observed& seen, History history) {
  const HorizontalPodAutoscaler& autoscaler = seen.autoscaler;
  const int32_t current = seen.workload.wanted;
  Plan plan;
  plan.history = std::move(history);
  remember_start(plan.history, current, seen.at);
  plan.status.conditions = autoscaler.status.conditions;
  plan.status.last_scale_time = autoscaler.status.last_scale_time;
  plan.status.current_replicas = current;
  plan.status.desired_replicas = autoscaler.status.desired_replicas;
  note(plan.status, {"AbleToScale", true, "SucceededGetScale", "the HPA controller was able to get the target's current scale"}, seen.now);

  Rescale rescale{current, current, {}};
  if (needs_metrics(autoscaler, current, seen.settings)) {
    const std::optional<Wanted> wanted = ask_metrics(seen, plan);
    plan.failed = !wanted.has_value();
    if (plan.failed) return plan;
    rescale = rescale_by_metrics(seen, *wanted, plan);
  } else if (current == 0) {
    note(plan.status, {"ScalingActive", false, "ScalingDisabled", "scaling is disabled since the replica count of the target is zero"}, seen.now);
    if (!seen.settings.scale_to_zero) rules::remove_condition(plan.status.conditions, "ScaledToZero");
  } else if (current > autoscaler.spec.max_replicas) {
    rescale = {current, autoscaler.spec.max_replicas, std::string(above_maximum)};
  } else {
    rescale = {current, least_of(autoscaler), std::string(below_minimum)};
  }
  if (rescale.to == current)
    plan.status.desired_replicas = current;
  else
    plan.rescale = std::move(rescale);
  return plan;
}

Plan plan_unreachable(const HorizontalPodAutoscaler& autoscaler, const Status& why, rt::WallTime now) {
  Plan plan;
  plan.failed = true;
  plan.status = autoscaler.status;
  plan.events.push_back({true, "FailedGetScale", why.message});
  note(plan.status, {"AbleToScale", false, "FailedGetScale", "the HPA controller was unable to get the target's current scale: " + why.message}, now);
  return plan;
}

Plan conclude_rescale(Plan plan, const Observed& seen, const Result<Unit>& outcome) {
  CHECK(plan.rescale.has_value(), "there is a rescale to conclude");
  const Rescale& rescale = *plan.rescale;
  const std::string size = std::to_string(rescale.to);
  if (!outcome) {
    const std::string& why = outcome.error().message;
    plan.failed = true;
    plan.events.push_back({true, "FailedRescale", "New size: " + size + "; reason: " + rescale.reason + "; error: " + why});
    note(plan.status, {"AbleToScale", false, "FailedUpdateScale", "the HPA controller was unable to update the target scale: " + why}, seen.now);
    return plan;
  }
  plan.events.push_back({false, "SuccessfulRescale", "New size: " + size + "; reason: " + rescale.reason});
  note(plan.status, {"AbleToScale", true, "SucceededRescale", "the HPA controller was able to update the target scale to " + size}, seen.now);
  const auto& behavior = seen.autoscaler.spec.behavior;
  if (behavior) remember_scaling(plan.history, *behavior, rescale.from, rescale.to, seen.at);
  if (!seen.settings.scale_to_zero) {
    rules::remove_condition(plan.status.conditions, "ScaledToZero");
  } else if (rescale.to == 0 && least_of(seen.autoscaler) == 0 && scales_by_other_than_pods(seen.autoscaler)) {
    note(plan.status, {"ScaledToZero", true, "ScaledToZero", "the HPA controller scaled the workload to zero"}, seen.now);
  } else {
    note(plan.status, {"ScaledToZero", false, "NotScaledToZero", "the HPA controller did not scale the workload to zero"}, seen.now);
  }
  plan.status.desired_replicas = rescale.to;
  plan.status.last_scale_time = apimachinery::to_api_time(seen.now);
  return plan;
}

}  // namespace pintle::controller::horizontal_pod_autoscaler

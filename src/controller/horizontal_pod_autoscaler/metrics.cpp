#include "controller/horizontal_pod_autoscaler/metrics.h"

#include <algorithm>

#include "rt/seconds.h"

namespace pintle::controller::horizontal_pod_autoscaler {

namespace {

constexpr auto look_bounds = growing_bounds<15>(0.001, 2);  // seconds

std::string direction(int32_t from, int32_t to) { return to > from ? "scale_up" : to < from ? "scale_down" : "none"; }

// The one mistake of an autoscaler's own that a look finds: a version of the target's API that is none.
bool has_bad_target(const HorizontalPodAutoscaler& autoscaler) { return std::ranges::count(autoscaler.spec.scale_target_ref.api_version, '/') > 1; }

}  // namespace

Metrics::Metrics(Families& families)
    : looks_(families.counters("horizontal_pod_autoscaler_controller_reconciliations_total", "Looks at the targets of autoscalers.",
                               {"action", "error"})),
      look_duration_(families.histograms("horizontal_pod_autoscaler_controller_reconciliation_duration_seconds", "Time that a look at a target took.",
                                         look_bounds, {"action", "error"})),
      computations_(families.counters("horizontal_pod_autoscaler_controller_metric_computation_total", "Metrics that were computed.",
                                      {"action", "error", "metric_type"})),
      computation_duration_(families.histograms("horizontal_pod_autoscaler_controller_metric_computation_duration_seconds",
                                                "Time that computing a metric took.", look_bounds, {"action", "error", "metric_type"})),
      known_(families.gauges("horizontal_pod_autoscaler_controller_num_horizontal_pod_autoscalers", "Autoscalers that there are.", {})),
      desired_(
          families.gauges("horizontal_pod_autoscaler_controller_desired_replicas", "Replicas that an autoscaler wants.", {"namespace", "hpa_name"})) {
  families.gauge("horizontal_pod_autoscaler_controller_num_horizontal_pod_autoscalers", "");
}

void Metrics::gone(const std::string& key) {
  known_.erase(key);
  desired_.erase(key);
}

void Metrics::looked(const std::string& key, const HorizontalPodAutoscaler& autoscaler, const Plan& plan, const std::vector<rt::Duration>& measuring,
                     rt::Duration took) {
  for (std::size_t i = 0; i < plan.proposals.size(); ++i) {
    const auto& proposal = plan.proposals[i];
    const std::vector<std::string> labels = {proposal ? direction(autoscaler.status.current_replicas, *proposal) : "none",
                                             proposal ? "none" : "internal", autoscaler.spec.metrics[i].type};
    computations_.with(labels).add();
    computation_duration_.with(labels).observe(rt::seconds(measuring[i]));
  }
  const bool scaled = plan.rescale && !plan.failed;
  const std::vector<std::string> labels = {scaled ? direction(plan.rescale->from, plan.rescale->to) : "none", !plan.failed ? "none"
                                                                                                              : has_bad_target(autoscaler)
                                                                                                                  ? "spec"
                                                                                                                  : "internal"};
  looks_.with(labels).add();
  look_duration_.with(labels).observe(rt::seconds(took));
  if (!plan.failed) desired_.put(key, {autoscaler.metadata.namespace_, autoscaler.metadata.name}, plan.status.desired_replicas);
}

}  // namespace pintle::controller::horizontal_pod_autoscaler

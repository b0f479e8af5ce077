#include "scheduler/framework/metrics.h"

namespace pintle::scheduler {

namespace {

constexpr double from_1ms[] = {0.001, 0.002, 0.004, 0.008, 0.016, 0.032, 0.064, 0.128, 0.256, 0.512, 1.024, 2.048, 4.096, 8.192, 16.384};
constexpr double from_100us[] = {0.0001, 0.0002, 0.0004, 0.0008, 0.0016, 0.0032, 0.0064, 0.0128, 0.0256, 0.0512, 0.1024, 0.2048};
constexpr double from_10ms[] = {0.01,  0.02,  0.04,  0.08,  0.16,   0.32,   0.64,   1.28,    2.56,    5.12,
                                10.24, 20.48, 40.96, 81.92, 163.84, 327.68, 655.36, 1310.72, 2621.44, 5242.88};
constexpr double from_100ms[] = {0.1, 0.2, 0.4, 0.8, 1.6, 3.2, 6.4, 12.8, 25.6, 51.2, 102.4, 204.8, 409.6, 819.2};
constexpr double to_16[] = {1, 2, 4, 8, 16};
constexpr double to_64[] = {1, 2, 4, 8, 16, 32, 64};

}  // namespace

SchedulerMetrics::SchedulerMetrics(component::metrics::Registry& r)
    : schedule_attempts(r, {"scheduler_schedule_attempts_total", "Attempts to schedule pods, by result.", {"profile", "result"}}),
      attempt_duration(
          r,
          {"scheduler_scheduling_attempt_duration_seconds", "Scheduling attempt latency in seconds: algorithm and binding.", {"profile", "result"}},
          from_1ms),
      algorithm_duration(r, {"scheduler_scheduling_algorithm_duration_seconds", "Scheduling algorithm latency in seconds.", {}}, from_1ms),
      extension_point_duration(r,
                               {"scheduler_framework_extension_point_duration_seconds",
                                "Latency of all plugins of an extension point.",
                                {"extension_point", "profile", "status"}},
                               from_100us),
      sli_duration(r, {"scheduler_pod_scheduling_sli_duration_seconds", "Time from a pod's entry into the queue until it is bound.", {"attempts"}},
                   from_10ms),
      attempts(r, {"scheduler_pod_scheduling_attempts", "Attempts until a pod was scheduled.", {}}, to_16),
      pending_pods(r, {"scheduler_pending_pods", "Pending pods, by queue.", {"queue"}}),
      incoming_pods(r, {"scheduler_queue_incoming_pods_total", "Pods added to the queues, by event and queue.", {"event", "queue"}}),
      cache_size(r, {"scheduler_cache_size", "Nodes, pods and assumed pods in the cache.", {"type"}}),
      goroutines(r, {"scheduler_goroutines", "Concurrent tasks, by the work that they do.", {"operation"}}),
      unschedulable_pods(r, {"scheduler_unschedulable_pods", "Unschedulable pods, by the plugin that rejected them.", {"plugin", "profile"}}),
      preemption_attempts(r, {"scheduler_preemption_attempts_total", "Preemption attempts in the cluster so far.", {}}),
      preemption_victims(r, {"scheduler_preemption_victims", "Preemption victims selected at a time.", {}}, to_64),
      claim_creates(r, {"scheduler_resourceclaim_creates_total", "ResourceClaims that the scheduler asked to be made.", {"status"}}),
      binding_conditions(r, {"scheduler_dra_bindingconditions_allocations_total",
                             "Attempts to schedule with devices that have binding conditions, by driver.",
                             {"profile", "driver", "status"}}),
      binding_conditions_wait(r,
                              {"scheduler_dra_bindingconditions_wait_duration_seconds",
                               "Time that was waited for binding conditions before binding.",
                               {"profile", "driver", "status"}},
                              from_100ms) {}

component::metrics::Histogram& SchedulerMetrics::phase(Phase phase, const std::string& profile) {
  for (ProfilePhases& entry : phases_)
    if (entry.profile == profile) return *entry.series[static_cast<std::size_t>(phase)];
  ProfilePhases& entry = phases_.emplace_back();
  entry.profile = profile;
  for (std::size_t i = 0; i < phase_count; ++i)
    entry.series[i] = &extension_point_duration.with({std::string(phase_name(static_cast<Phase>(i))), profile, "Success"});
  return *entry.series[static_cast<std::size_t>(phase)];
}

}  // namespace pintle::scheduler

// How many pods a metric asks for. The ratio of what is to what should be, times the pods that were counted, rounded up; a ratio within
// the tolerance changes nothing. Pods without a figure damp the change and never turn it round: growing, they use nothing, as unready pods
// do; shrinking, they use what they should, and unready pods are left out. Amounts are in thousandths and saturate. Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "base/status.h"
#include "controller/horizontal_pod_autoscaler/samples.h"
#include "controller/pods/pod_state.h"

namespace pintle::controller::horizontal_pod_autoscaler {

struct Tolerances {
  double down = 0.1;
  double up = 0.1;
  bool holds(double ratio) const { return 1.0 - down <= ratio && ratio <= 1.0 + up; }
};

struct CountRules {
  Tolerances tolerances;
  rt::Duration cpu_initialization_period = std::chrono::minutes(5);
  rt::Duration initial_readiness_delay = std::chrono::seconds(30);
  bool pod_level_resources = true;  // the gate PodLevelResources
  rt::WallTime now;
};

struct Workload {
  std::span<const pods::PodPtr> pods;  // that its selector picks
  int32_t wanted = 0;                  // its scale's spec.replicas
  int32_t actual = 0;                  // and status.replicas
};

struct Proposal {
  int32_t replicas = 0;
  int64_t milli = 0;                   // the value at present: of a pod on average, or of the object
  std::optional<int32_t> utilization;  // in percent of the requests
};

// A resource, against a share of the requests: of one container, or of the pods ("").
Result<Proposal> count_by_utilization(const Workload& workload, PodSamples samples, std::string_view resource, std::string_view container,
                                      int32_t target_percent, const CountRules& rules);
// A figure of each pod, against an average. `resource`: "" for what is none; cpu figures of pods that start do not count.
Result<Proposal> count_by_average(const Workload& workload, PodSamples samples, std::string_view resource, int64_t target_milli,
                                  const CountRules& rules);
// One value, against what it should be.
Result<Proposal> count_by_value(const Workload& workload, int64_t milli, int64_t target_milli, const CountRules& rules);
// One value, against what it should be for each pod there is.
Proposal count_by_value_per_pod(const Workload& workload, int64_t milli, int64_t target_milli, const CountRules& rules);

}  // namespace pintle::controller::horizontal_pod_autoscaler

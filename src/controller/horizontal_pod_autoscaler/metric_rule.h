// One of an autoscaler's metrics: what it asks for, as a number of pods, and how status, conditions and events tell of it. Pure.
#pragma once

#include <string>
#include <vector>

#include "api/gen/autoscaling_v2.h"
#include "controller/horizontal_pod_autoscaler/replica_count.h"

namespace pintle::controller::horizontal_pod_autoscaler {

using api::autoscaling_v2::MetricSpec;
using api::autoscaling_v2::MetricStatus;

// What was read for a metric.
struct Measured {
  PodSamples pods;              // Resource, ContainerResource, Pods
  std::vector<int64_t> values;  // External: of every series, in thousandths; Object: one
};

struct Event {
  bool warning = false;
  std::string reason;
  std::string message;
};

struct Ruling {
  Result<Proposal> proposal = Proposal();  // an error in the words that FailedComputeMetricsReplicas quotes
  std::string name;                        // what the proposal is called in events: "cpu resource utilization (percentage of request)"
  MetricStatus status;                     // empty where there is no proposal, as upstream leaves it
  Event failure;                           // about it; its message is what the condition ScalingActive tells
};
// `namespace_name`: the autoscaler's.
Ruling rule_on(const MetricSpec& spec, std::string_view namespace_name, const Result<Measured>& measured, const Workload& workload,
               const CountRules& rules);

}  // namespace pintle::controller::horizontal_pod_autoscaler

// What the metrics APIs answer (metrics.k8s.io/v1beta1, custom.metrics.k8s.io/v1beta2 and v1beta1, external.metrics.k8s.io/v1beta1), read
// out of their JSON into amounts in thousandths. Whoever serves these APIs is not believed: what is no such list is a BadRequest that
// names the place, amounts saturate, and of two samples of one pod the last counts. Pure.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"
#include "codec/value.h"
#include "rt/clock.h"

namespace pintle::controller::horizontal_pod_autoscaler {

inline constexpr std::size_t samples_max = 200'000;      // of one answer: more than a cluster has pods; past it the answer is refused
inline constexpr std::size_t containers_max = 1'000;     // of one pod in it
inline constexpr std::size_t container_values_max = 64;  // resources of one container

struct Sample {
  rt::WallTime time;      // when its window ended
  rt::Duration window{};  // over which it was taken
  int64_t milli = 0;
};
using PodSamples = std::map<std::string, Sample, std::less<>>;  // by the pod's name

struct ContainerUsage {
  std::string name;
  std::map<std::string, int64_t, std::less<>> milli;  // by resource
};
struct PodUsage {
  std::string pod;
  rt::WallTime time;
  rt::Duration window{};
  std::vector<ContainerUsage> containers;
};
// A PodMetricsList.
Result<std::vector<PodUsage>> read_pod_usage(const codec::Value& list);

struct MetricValue {
  std::string object;  // its name; external metrics have none
  rt::WallTime time;
  std::optional<rt::Duration> window;
  int64_t milli = 0;
};
// A MetricValueList or an ExternalMetricValueList.
Result<std::vector<MetricValue>> read_metric_values(const codec::Value& list);

// Of the container, or of all together ("": a pod one of whose containers has no such figure has none).
PodSamples resource_samples(const std::vector<PodUsage>& usage, std::string_view resource, std::string_view container);
PodSamples pod_samples(const std::vector<MetricValue>& values);

int64_t saturated_sum(int64_t a, int64_t b);

}  // namespace pintle::controller::horizontal_pod_autoscaler

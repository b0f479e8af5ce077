// What is told of dynamic resources on /metrics, under upstream's names.
#pragma once

#include <span>

#include "component/metrics.h"

namespace pintle::kubelet::dynamic_resources {

struct Metrics {
  Metrics();
  component::metrics::Registry registry;
  component::metrics::HistogramVec operations;  // operation_name, is_error
  component::metrics::HistogramVec calls;       // driver_name, method_name, grpc_status_code
};

// Fifteen, from 0.1 s to 40 s, each as many times the one before.
std::span<const double> duration_bounds();

}  // namespace pintle::kubelet::dynamic_resources

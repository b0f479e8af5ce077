#include "kubelet/dynamic_resources/metrics.h"

#include <array>
#include <cmath>

namespace pintle::kubelet::dynamic_resources {

std::span<const double> duration_bounds() {
  static const auto bounds = [] {
    std::array<double, 15> out{};
    for (std::size_t i = 0; i < out.size(); ++i) out[i] = 0.1 * std::pow(400.0, static_cast<double>(i) / 14);
    return out;
  }();
  return bounds;
}

Metrics::Metrics()
    : operations(registry,
                 {"dra_operations_duration_seconds",
                  "[ALPHA] Latency histogram in seconds for the duration of handling all ResourceClaims referenced by a pod when the pod starts or "
                  "stops. Identified by the name of the operation (PrepareResources or UnprepareResources) and separated by the success of the "
                  "operation. The number of failed operations is provided through the histogram's overall count.",
                  {"operation_name", "is_error"}},
                 duration_bounds()),
      calls(registry,
            {"dra_grpc_operations_duration_seconds",
             "[ALPHA] Duration in seconds of the DRA gRPC operations",
             {"driver_name", "method_name", "grpc_status_code"}},
            duration_bounds()) {}

}  // namespace pintle::kubelet::dynamic_resources

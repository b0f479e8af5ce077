#include "kubelet/configuration/defaults.h"

#include <chrono>

#include "api/defaults.h"

namespace pintle::kubelet::configuration {

void apply_defaults(api::kubeletconfig_v1beta1::KubeletConfiguration& config) {
  const bool parallel = config.max_parallel_image_pulls.value_or(1) > 1;
  if (!config.serialize_image_pulls) config.serialize_image_pulls = !parallel;
  if (config.node_status_report_frequency.nanos == 0) config.node_status_report_frequency = config.node_status_update_frequency;
  api::apply_defaults(api::type_of<api::kubeletconfig_v1beta1::KubeletConfiguration>(), &config);
  if (config.node_status_report_frequency.nanos == 0)
    config.node_status_report_frequency.nanos = std::chrono::nanoseconds(std::chrono::minutes(5)).count();
}

}  // namespace pintle::kubelet::configuration

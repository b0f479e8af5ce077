// The fields of a KubeletConfiguration that this release knows and does not act on, and the feature gates that the kubelet asks. Pure.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "api/gen/kubeletconfig_v1beta1.h"

namespace pintle::kubelet::configuration {

// Paths by the fields' JSON names ("logging.options"). Nothing of the kubelet but validation reads them.
std::span<const std::string_view> fields_without_effect();
// Those of them that differ from their defaults, and the feature gates that do and that nothing here asks ("featureGates.MemoryQoS"): for
// the line at the start. `config` has its defaults.
std::vector<std::string> settings_without_effect(const api::kubeletconfig_v1beta1::KubeletConfiguration& config);

}  // namespace pintle::kubelet::configuration

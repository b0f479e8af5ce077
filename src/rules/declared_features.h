// What a pod needs of its node's kubelet, by the names under which nodes declare it in status.declaredFeatures. Pure.
#pragma once

#include <string_view>
#include <vector>

#include "api/gen/core_v1.h"

namespace pintle::rules {

// To run at all. Static text, by name.
std::vector<std::string_view> features_for_scheduling(const api::core_v1::PodSpec& pod);
// For the change from `before` to `now`, on the node where it runs. Static text, by name.
std::vector<std::string_view> features_for_update(const api::core_v1::PodSpec& now, const api::core_v1::PodSpec& before);
// Those that the node does not declare, in the same order.
std::vector<std::string_view> missing_features(const std::vector<std::string_view>& needed, const api::core_v1::Node& node);

}  // namespace pintle::rules

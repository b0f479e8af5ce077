// Whether somebody has said that a node is out of service: its pods and volumes are not waited for.
#pragma once

#include <algorithm>
#include <string_view>

#include "api/gen/core_v1.h"

namespace pintle::controller::objects {

inline bool has_out_of_service_taint(const api::core_v1::Node& node) {
  constexpr std::string_view key = "node.kubernetes.io/out-of-service";
  return std::ranges::any_of(node.spec.taints, [&](const auto& taint) { return taint.key == key; });
}

}  // namespace pintle::controller::objects

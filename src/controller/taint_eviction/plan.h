// How long a pod may stay on a node with NoExecute taints. Pure.
#pragma once

#include <optional>
#include <vector>

#include "api/gen/core_v1.h"
#include "rt/clock.h"

namespace pintle::controller::taint_eviction {

struct Stay {
  bool forever = false;
  rt::Duration time{};  // zero: it goes at once
  bool operator==(const Stay&) const = default;
};
// Every taint must be tolerated; the shortest toleration used counts. `comparisons`: Lt and Gt count (rules/tolerations.h).
Stay plan_stay(const std::vector<api::core_v1::Taint>& taints, const std::vector<api::core_v1::Toleration>& tolerations, bool comparisons);

// By content and order.
bool same_tolerations(const std::vector<api::core_v1::Toleration>& a, const std::vector<api::core_v1::Toleration>& b);

}  // namespace pintle::controller::taint_eviction

#include "controller/taint_eviction/plan.h"

#include <algorithm>

#include "api/codec.h"
#include "rt/far_time.h"
#include "rules/tolerations.h"

namespace pintle::controller::taint_eviction {

Stay plan_stay(const std::vector<api::core_v1::Taint>& taints, const std::vector<api::core_v1::Toleration>& tolerations, bool comparisons) {
  std::optional<int64_t> shortest;
  for (const auto& taint : taints) {
    if (!rules::has_effect(taint, rules::TaintEffects::NoExecute)) continue;
    const auto* used = rules::find_toleration(tolerations, taint, comparisons);
    if (used == nullptr) return Stay{};
    if (used->toleration_seconds) shortest = std::min(shortest.value_or(INT64_MAX), std::max<int64_t>(0, *used->toleration_seconds));
  }
  if (!shortest) return Stay{true, {}};
  return Stay{false, rt::seconds_of(*shortest)};
}

bool same_tolerations(const std::vector<api::core_v1::Toleration>& a, const std::vector<api::core_v1::Toleration>& b) {
  return std::ranges::equal(a, b, [](const auto& x, const auto& y) { return api::equal(api::type_of<api::core_v1::Toleration>(), &x, &y); });
}

}  // namespace pintle::controller::taint_eviction

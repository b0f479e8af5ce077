// Taints and the tolerations that answer them: one matcher for the scheduler, the controllers and the kubelet. Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "api/gen/core_v1.h"

namespace pintle::rules {

// `comparisons`, here and below: the operators Lt and Gt count (feature TaintTolerationComparisonOperators); else such a
// toleration tolerates nothing. An empty effect or key matches every one; an empty operator is Equal. Lt tolerates a taint whose
// value is less than the toleration's, Gt one whose value is greater; both must be canonical integers.
bool tolerates(const api::core_v1::Toleration& toleration, const api::core_v1::Taint& taint, bool comparisons);

// A decimal integer of 64 bits as a person writes it: no plus sign, no leading zero, no "-0"; nullopt: it is none.
std::optional<int64_t> canonical_integer(std::string_view text);

// The first toleration that tolerates the taint, or nullptr.
const api::core_v1::Toleration* find_toleration(std::span<const api::core_v1::Toleration> tolerations, const api::core_v1::Taint& taint,
                                                bool comparisons);
inline bool is_tolerated(std::span<const api::core_v1::Toleration> tolerations, const api::core_v1::Taint& taint, bool comparisons) {
  return find_toleration(tolerations, taint, comparisons) != nullptr;
}

// Sets of taint effects.
enum class TaintEffects : uint8_t { NoSchedule = 1, PreferNoSchedule = 2, NoExecute = 4, KeepOff = NoSchedule | NoExecute };
bool has_effect(const api::core_v1::Taint& taint, TaintEffects effects);

// The first taint with one of `effects` that nothing tolerates, or nullptr.
const api::core_v1::Taint* untolerated_taint(std::span<const api::core_v1::Taint> taints, std::span<const api::core_v1::Toleration> tolerations,
                                             TaintEffects effects, bool comparisons);

}  // namespace pintle::rules

// Taints and the tolerations that answer them.
#pragma once

#include <charconv>
#include <optional>
#include <string_view>
#include <vector>

#include "api/gen/core_v1.h"

namespace pintle::scheduler {

using api::core_v1::Taint;
using api::core_v1::Toleration;

namespace detail {
inline std::optional<int64_t> whole_number(std::string_view text) {
  int64_t value = 0;
  const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (problem != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}
}  // namespace detail

// `comparisons`: the operators Lt and Gt are known (feature TaintTolerationComparisonOperators).
inline bool tolerates(const Toleration& toleration, const Taint& taint, bool comparisons) {
  if (!toleration.effect.empty() && toleration.effect != taint.effect) return false;
  if (!toleration.key.empty() && toleration.key != taint.key) return false;
  if (toleration.operator_.empty() || toleration.operator_ == "Equal") return toleration.value == taint.value;
  if (toleration.operator_ == "Exists") return true;
  if (!comparisons) return false;
  const auto wanted = detail::whole_number(toleration.value), has = detail::whole_number(taint.value);
  if (!wanted || !has) return false;
  return toleration.operator_ == "Lt" ? *has < *wanted : toleration.operator_ == "Gt" && *has > *wanted;
}

inline bool tolerated(const std::vector<Toleration>& tolerations, const Taint& taint, bool comparisons) {
  for (const Toleration& toleration : tolerations)
    if (tolerates(toleration, taint, comparisons)) return true;
  return false;
}

// Whether some NoSchedule or NoExecute taint is not tolerated.
inline bool has_untolerated_taint(const std::vector<Taint>& taints, const std::vector<Toleration>& tolerations, bool comparisons) {
  for (const Taint& taint : taints)
    if (taint.effect != "PreferNoSchedule" && !tolerated(tolerations, taint, comparisons)) return true;
  return false;
}

}  // namespace pintle::scheduler

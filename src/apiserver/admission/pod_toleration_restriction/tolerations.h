// The rules of PodTolerationRestriction: lists of tolerations merged and held against what is allowed. Pure.
#pragma once

#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "api/gen/core_v1.h"
#include "base/status.h"

namespace pintle::apiserver::admission::pod_toleration_restriction {

using api::core_v1::Toleration;
using Tolerations = std::vector<Toleration>;

inline constexpr std::string_view defaults_annotation = "scheduler.alpha.kubernetes.io/defaultTolerations";
inline constexpr std::string_view allowed_annotation = "scheduler.alpha.kubernetes.io/tolerationsWhitelist";

// Each toleration is held against each other one: so many times at most for one pod, then it is refused.
inline constexpr std::size_t comparisons_max = 1'000'000;

// Whether whatever `narrow` tolerates, `wide` tolerates too.
bool covers(const Toleration& wide, const Toleration& narrow);
// Both lists, without those that another covers; of equal ones the first stays.
Tolerations merge(const Tolerations& first, const Tolerations& second);
// Whether each of `tolerations` is covered by one of `allowed`; an empty list allows everything.
bool are_allowed(const Tolerations& tolerations, const Tolerations& allowed);
// What an annotation of a namespace lists, as JSON; nullopt: there is none. Unknown (500): it cannot be read.
Result<std::optional<Tolerations>> of_annotation(const api::core_v1::Namespace& ns, std::string_view annotation);
// What is wrong with tolerations of a configuration: one line; Invalid.
Result<Unit> check(std::span<const Toleration> tolerations, std::string_view list);

}  // namespace pintle::apiserver::admission::pod_toleration_restriction

// One LimitRange against one object, without I/O.
#pragma once

#include <string>
#include <vector>

#include "api/gen/core_v1.h"
#include "base/status.h"

namespace pintle::apiserver::admission {

// A limit range meets every container: what is filled in and what is compared is their product. More is RequestEntityTooLarge.
constexpr std::size_t limit_defaults_bytes_max = 4 << 20;  // that one limit range fills into one pod
constexpr std::size_t limit_comparisons_max = 200'000;     // of one limit range with one pod
constexpr std::size_t limit_violations_max = 100;          // that are told, of one limit range

// Fills in default requests and limits; notes in an annotation which.
Result<Unit> apply_defaults(const api::core_v1::LimitRange& range, api::core_v1::Pod& pod);
// What is out of bounds; empty: nothing.
Result<std::vector<std::string>> violations(const api::core_v1::LimitRange& range, const api::core_v1::PodSpec& pod);
std::vector<std::string> violations(const api::core_v1::LimitRange& range, const api::core_v1::PersistentVolumeClaimSpec& claim);

}  // namespace pintle::apiserver::admission

// One LimitRange against one object, without I/O.
#pragma once

#include <string>
#include <vector>

#include "api/gen/core_v1.h"

namespace pintle::apiserver {

// Fills in default requests and limits; notes in an annotation which.
void apply_defaults(const api::core_v1::LimitRange& range, api::core_v1::Pod& pod);
// What is out of bounds; empty: nothing.
std::vector<std::string> violations(const api::core_v1::LimitRange& range, const api::core_v1::PodSpec& pod);
std::vector<std::string> violations(const api::core_v1::LimitRange& range, const api::core_v1::PersistentVolumeClaimSpec& claim);

}  // namespace pintle::apiserver

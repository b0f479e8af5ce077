// Tolerations against taints. Pure.
#pragma once

#include <vector>

#include "api/gen/core_v1.h"

namespace pintle::controller {

bool tolerates(const api::core_v1::Toleration& toleration, const api::core_v1::Taint& taint);
// Whether one of `tolerations` tolerates the taint.
bool is_tolerated(const api::core_v1::Taint& taint, const std::vector<api::core_v1::Toleration>& tolerations);

}  // namespace pintle::controller

// maxSurge, maxUnavailable, minAvailable: a number, or a percentage of a total.
#pragma once

#include <cstdint>

#include "api/values.h"
#include "base/status.h"

namespace pintle::controller::objects {

// Rounds a percentage up or down. BadRequest for text that is no percentage.
Result<int32_t> scaled_amount(const api::IntOrString& amount, int32_t total, bool round_up);

}  // namespace pintle::controller::objects

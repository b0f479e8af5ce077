// --register-with-taints: a taint as an operator writes it. Pure.
#pragma once

#include <string_view>

#include "api/gen/core_v1.h"
#include "base/status.h"

namespace pintle::kubelet::configuration {

// "key=value:effect" or "key:effect". BadRequest: it has no key, or no effect that there is.
Result<api::core_v1::Taint> parse_taint(std::string_view text);
// Invalid: keys or values that no taint may have, an effect that there is not, or two taints of one key and effect.
Result<Unit> check_taints(const std::vector<api::core_v1::Taint>& taints);

}  // namespace pintle::kubelet::configuration

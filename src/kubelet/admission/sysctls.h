// Sysctls that pods may set. Pure.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "api/gen/core_v1.h"
#include "base/status.h"

namespace pintle::kubelet::admission {

// Error: upstream's message about the first one that is not allowed.
Result<Unit> check_sysctls(const api::core_v1::Pod& pod, const std::vector<std::string>& allowed_unsafe);

}  // namespace pintle::kubelet::admission

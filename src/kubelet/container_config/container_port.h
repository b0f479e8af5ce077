// The port that a probe or a lifecycle handler means.
#pragma once

#include "api/gen/core_v1.h"
#include "base/status.h"

namespace pintle::kubelet::container_config {

// By the name of one of the container's ports, or by number, which a text may be too. Invalid, with upstream's messages.
Result<uint16_t> resolve_port(const api::IntOrString& port, const api::core_v1::Container& container);

}  // namespace pintle::kubelet::container_config

// Which nodes hold pods that nobody else will delete. Pure.
#pragma once

#include "api/gen/core_v1.h"

namespace pintle::controller::pod_gc {

// It is not Ready, and an administrator says by a taint that it will not come back as it is: what terminates there has ended.
bool is_out_of_service(const api::core_v1::Node& node);

}  // namespace pintle::controller::pod_gc

#pragma once

#include <vector>

#include "rt/context.h"
#include "rt/task.h"

namespace pintle::rt {

// Runtime::wait_signal() of the real backend.
Task<Result<int>> wait_process_signal(Context ctx, std::vector<int> signals);

}  // namespace pintle::rt

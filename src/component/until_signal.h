// The end of a start: what every long-running command awaits.
#pragma once

#include "base/status.h"
#include "rt/context.h"
#include "rt/task.h"

namespace pintle::component {

// The number of the first SIGINT or SIGTERM. Meanwhile what the start needed is given back (component/memory.h): at once, and again
// after settle_short and settle_long, since informers, caches and controllers fill after the ports are open; and what a burst needed, once
// it has been over for quiet_interval.
rt::Task<Result<int>> until_signal(rt::Context ctx);

}  // namespace pintle::component

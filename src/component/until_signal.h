// The end of a start: what every long-running command awaits.
#pragma once

#include "base/status.h"
#include "rt/context.h"
#include "rt/task.h"

namespace pintle::component {

// To the service manager, if there is one: the start is over (os/service_manager.h). Later calls say nothing.
void tell_started();

// The number of the first SIGINT or SIGTERM, which the service manager is told of. `Whether::Started`: it is told of the start's end first. Until
// the signal it hears that this executor goes round, as often as it wants to. Meanwhile what the start needed is given back (component/memory.h): at
// once, and again after settle_short and settle_long, since informers, caches and controllers fill after the ports are open; and what a burst needed,
// once it has been over for quiet_interval.
enum class Whether : uint8_t { Started, Starting };
rt::Task<Result<int>> until_signal(rt::Context ctx, Whether whether = Whether::Started);

}  // namespace pintle::component

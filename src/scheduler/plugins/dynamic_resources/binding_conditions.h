// Conditions of devices that must be true before a pod may be bound: whether a claim's are, and whether one says that they never will be. Pure.
#pragma once

#include <string>

#include "base/status.h"
#include "rt/clock.h"
#include "scheduler/devices/types.h"

namespace pintle::scheduler::plugins {

// Every condition of every device is true (or there are none). An error: a device says that it failed, in upstream's words.
Result<bool> is_ready_to_bind(const devices::v1::ResourceClaim& claim);
bool has_binding_conditions(const devices::v1::ResourceClaim& claim);
// It was allocated so long ago that nobody waits for its conditions any more.
bool timed_out(const devices::v1::ResourceClaim& claim, rt::WallTime now, rt::Duration timeout);

}  // namespace pintle::scheduler::plugins

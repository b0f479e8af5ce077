// For work of many steps that nobody waits for by the millisecond, as sending a large answer.
#pragma once

#include "rt/task.h"

namespace pintle::rt {

// As yield(), but everything else of this executor goes first: what is ready, and what its sockets and timers have to say. Those that
// give way take turns, one step each, and come to theirs whatever else there is.
Task<void> give_way();

}  // namespace pintle::rt

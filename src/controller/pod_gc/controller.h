// Removes pods that nobody else will: those of nodes that are gone, those told to go that never got a node, those of nodes
// taken out of service, and the oldest of too many finished ones.
#pragma once

#include "controller/framework/controller.h"

namespace pintle::controller::pod_gc {

std::unique_ptr<Controller> make_pod_gc_controller(ControllerDeps deps);

}  // namespace pintle::controller::pod_gc

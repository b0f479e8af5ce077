// Watches over nodes: silence makes their conditions Unknown, conditions become taints, pods of a node that is not ready
// are not ready.
#pragma once

#include "controller/framework/controller.h"

namespace pintle::controller::node_lifecycle {

std::unique_ptr<Controller> make_node_lifecycle_controller(ControllerDeps deps);

}  // namespace pintle::controller::node_lifecycle

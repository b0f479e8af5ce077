// Gives every node its pod address ranges out of the cluster's (--allocate-node-cidrs).
#pragma once

#include "controller/framework/controller.h"

namespace pintle::controller::node_ipam {

std::unique_ptr<Controller> make_node_ipam_controller(ControllerDeps deps);

}  // namespace pintle::controller::node_ipam

// Gives ClusterRoles with an aggregation rule the rules of those that their selectors match.
#pragma once

#include "controller/framework/controller.h"

namespace pintle::controller::clusterrole_aggregation {

std::unique_ptr<Controller> make_clusterrole_aggregation_controller(ControllerDeps deps);

}  // namespace pintle::controller::clusterrole_aggregation

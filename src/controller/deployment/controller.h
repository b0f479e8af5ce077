// Rolls Deployments out: makes and sizes their ReplicaSets.
#pragma once

#include "controller/framework/controller.h"

namespace pintle::controller::deployment {

std::unique_ptr<Controller> make_deployment_controller(ControllerDeps deps);

}  // namespace pintle::controller::deployment

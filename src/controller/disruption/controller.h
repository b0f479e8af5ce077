// Keeps the status of PodDisruptionBudgets, by which evictions are let through.
#pragma once

#include "controller/framework/controller.h"

namespace pintle::controller::disruption {

std::unique_ptr<Controller> make_disruption_controller(ControllerDeps deps);

}  // namespace pintle::controller::disruption

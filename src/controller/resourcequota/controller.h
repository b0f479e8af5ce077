// Keeps status.used of ResourceQuotas true: admission charges what is created, this gives back what has gone, and what was charged
// and then not created.
#pragma once

#include "controller/framework/controller.h"

namespace pintle::controller::resourcequota {

std::unique_ptr<Controller> make_resourcequota_controller(ControllerDeps deps);

}  // namespace pintle::controller::resourcequota

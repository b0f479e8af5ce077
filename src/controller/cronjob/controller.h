// Starts Jobs by the clock.
#pragma once

#include "controller/framework/controller.h"

namespace pintle::controller::cronjob {

std::unique_ptr<Controller> make_cronjob_controller(ControllerDeps deps);

}  // namespace pintle::controller::cronjob

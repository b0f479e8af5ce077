// Runs Jobs to their end.
#pragma once

#include "controller/framework/controller.h"

namespace pintle::controller::job {

std::unique_ptr<Controller> make_job_controller(ControllerDeps deps);

}  // namespace pintle::controller::job

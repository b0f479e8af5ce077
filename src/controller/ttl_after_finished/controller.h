// Deletes Jobs some time after they have finished (spec.ttlSecondsAfterFinished).
#pragma once

#include "controller/framework/controller.h"

namespace pintle::controller::ttl_after_finished {

std::unique_ptr<Controller> make_ttl_after_finished_controller(ControllerDeps deps);

}  // namespace pintle::controller::ttl_after_finished

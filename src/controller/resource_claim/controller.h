// Makes the resource claims that pods have templates for, and frees those that nobody uses any more.
#pragma once

#include "controller/framework/controller.h"

namespace pintle::controller::resource_claim {

std::unique_ptr<Controller> make_resource_claim_controller(ControllerDeps deps);

}  // namespace pintle::controller::resource_claim

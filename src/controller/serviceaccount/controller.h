// Every namespace has the service account "default".
#pragma once

#include "controller/framework/controller.h"

namespace pintle::controller::serviceaccount {

std::unique_ptr<Controller> make_serviceaccount_controller(ControllerDeps deps);

}  // namespace pintle::controller::serviceaccount

// Empties namespaces that are being deleted, pods first, and lets them go.
#pragma once

#include "controller/framework/controller.h"

namespace pintle::controller::namespace_lifecycle {

std::unique_ptr<Controller> make_namespace_controller(ControllerDeps deps);

}  // namespace pintle::controller::namespace_lifecycle

// Keeps the Endpoints of Services with a selector, and mirrors those that users write for Services without one into
// EndpointSlices.
#pragma once

#include "controller/framework/controller.h"

namespace pintle::controller::endpoints {

std::unique_ptr<Controller> make_endpoints_controller(ControllerDeps deps);
std::unique_ptr<Controller> make_endpointslice_mirroring_controller(ControllerDeps deps);

}  // namespace pintle::controller::endpoints

// Keeps the EndpointSlices of every Service with a selector.
#pragma once

#include "controller/framework/controller.h"

namespace pintle::controller::endpointslice {

std::unique_ptr<Controller> make_endpointslice_controller(ControllerDeps deps);

}  // namespace pintle::controller::endpointslice

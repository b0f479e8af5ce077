// Guards ServiceCIDRs: one goes when no Service has an address out of it alone.
#pragma once

#include "controller/framework/controller.h"

namespace pintle::controller::service_cidr {

std::unique_ptr<Controller> make_service_cidr_controller(ControllerDeps deps);

}  // namespace pintle::controller::service_cidr

// Ends pods that use devices with taints which they do not tolerate.
#pragma once

#include "controller/framework/controller.h"

namespace pintle::controller::device_taint_eviction {

// Does nothing without the feature DRADeviceTaints.
std::unique_ptr<Controller> make_device_taint_eviction_controller(ControllerDeps deps);

}  // namespace pintle::controller::device_taint_eviction

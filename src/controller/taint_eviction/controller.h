// Evicts pods that do not tolerate their node's NoExecute taints, at once or when their toleration has run out.
#pragma once

#include "controller/framework/controller.h"

namespace pintle::controller::taint_eviction {

std::unique_ptr<Controller> make_taint_eviction_controller(ControllerDeps deps);

}  // namespace pintle::controller::taint_eviction

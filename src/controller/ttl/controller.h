// Every node has the annotation node.alpha.kubernetes.io/ttl (plan.h), which kubelets that ask again by the clock go by.
#pragma once

#include "controller/framework/controller.h"

namespace pintle::controller::ttl {

std::unique_ptr<Controller> make_ttl_controller(ControllerDeps deps);

}  // namespace pintle::controller::ttl

// Runs StatefulSets: pods with identities and claims of their own, in order.
#pragma once

#include "controller/framework/controller.h"

namespace pintle::controller::statefulset {

std::unique_ptr<Controller> make_statefulset_controller(ControllerDeps deps);

}  // namespace pintle::controller::statefulset

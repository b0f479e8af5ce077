// validatingadmissionpolicy-status-controller: its work is the API server's here (src/apiserver/policy_status).
#pragma once

#include "controller/framework/controller.h"

namespace pintle::controller::policy_status {

// Does nothing, and says where the work is done.
std::unique_ptr<Controller> make_policy_status_controller(ControllerDeps deps);

}  // namespace pintle::controller::policy_status

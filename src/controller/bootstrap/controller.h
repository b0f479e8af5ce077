// Bootstrap tokens: signs kube-public/cluster-info with them, and deletes those that have expired.
#pragma once

#include "controller/framework/controller.h"

namespace pintle::controller::bootstrap {

std::unique_ptr<Controller> make_bootstrap_signer(ControllerDeps deps);
std::unique_ptr<Controller> make_token_cleaner(ControllerDeps deps);

}  // namespace pintle::controller::bootstrap

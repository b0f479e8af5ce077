// Fills the Secrets that keep tokens of service accounts, and deletes those whose account is gone.
#pragma once

#include "controller/framework/controller.h"

namespace pintle::controller::serviceaccount_token {

// Without --service-account-private-key-file it does nothing, which it says.
std::unique_ptr<Controller> make_token_controller(ControllerDeps deps);

}  // namespace pintle::controller::serviceaccount_token

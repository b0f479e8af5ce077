// Makes the claims of pods' ephemeral volumes, owned by their pods.
#pragma once

#include "controller/framework/controller.h"

namespace pintle::controller::ephemeral_volume {

std::unique_ptr<Controller> make_ephemeral_volume_controller(ControllerDeps deps);

}  // namespace pintle::controller::ephemeral_volume

// persistentvolume-attach-detach-controller.
#pragma once

#include <memory>

#include "controller/framework/controller.h"

namespace pintle::controller::attach_detach {

std::unique_ptr<Controller> make_attach_detach_controller(ControllerDeps deps);

}  // namespace pintle::controller::attach_detach

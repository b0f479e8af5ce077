// Runs one pod of a DaemonSet on every node that it is for.
#pragma once

#include "controller/framework/controller.h"

namespace pintle::controller::daemonset {

std::unique_ptr<Controller> make_daemonset_controller(ControllerDeps deps);

}  // namespace pintle::controller::daemonset

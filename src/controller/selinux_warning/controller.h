// selinux-warning-controller: events and a metric about pods whose SELinux labels of a shared volume differ.
#pragma once

#include "controller/framework/controller.h"

namespace pintle::controller::selinux_warning {

std::unique_ptr<Controller> make_selinux_warning_controller(ControllerDeps deps);

}  // namespace pintle::controller::selinux_warning

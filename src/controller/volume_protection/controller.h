// Claims that pods use and volumes that are bound stay, however often they are deleted, until they are free: the finalizers
// kubernetes.io/pvc-protection and kubernetes.io/pv-protection.
#pragma once

#include "controller/controller.h"

namespace pintle::controller::volume_protection {

std::unique_ptr<Controller> make_claim_protection_controller(ControllerDeps deps);
std::unique_ptr<Controller> make_volume_protection_controller(ControllerDeps deps);

}  // namespace pintle::controller::volume_protection

// Claims that pods use, volumes that are bound and attributes classes that either names stay, however often they are deleted,
// until they are free: the finalizers kubernetes.io/pvc-protection, pv-protection and vac-protection.
#pragma once

#include "controller/framework/controller.h"

namespace pintle::controller::volume_protection {

std::unique_ptr<Controller> make_claim_protection_controller(ControllerDeps deps);
std::unique_ptr<Controller> make_volume_protection_controller(ControllerDeps deps);
std::unique_ptr<Controller> make_attributes_class_protection_controller(ControllerDeps deps);

}  // namespace pintle::controller::volume_protection

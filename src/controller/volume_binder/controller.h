// Binds claims to volumes. Volumes are made and deleted by their classes' own provisioners, which it calls by annotation.
#pragma once

#include "controller/framework/controller.h"

namespace pintle::controller::volume_binder {

std::unique_ptr<Controller> make_volume_binder_controller(ControllerDeps deps);

}  // namespace pintle::controller::volume_binder

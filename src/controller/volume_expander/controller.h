// Says of claims that ask for more who will see to it.
#pragma once

#include "controller/framework/controller.h"

namespace pintle::controller::volume_expander {

std::unique_ptr<Controller> make_volume_expander(ControllerDeps deps);

}  // namespace pintle::controller::volume_expander

// Deletes what has lost its owners, and carries out foreground and orphaning deletions, for every resource there is.
#pragma once

#include "controller/framework/controller.h"

namespace pintle::controller::garbage {

std::unique_ptr<Controller> make_garbage_collector(ControllerDeps deps);

}  // namespace pintle::controller::garbage

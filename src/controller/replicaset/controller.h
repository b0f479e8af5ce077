// Keeps the pods of a ReplicaSet (or a ReplicationController, seen as one) at the wanted number.
#pragma once

#include "controller/framework/controller.h"

namespace pintle::controller::replicaset {

std::unique_ptr<Controller> make_replicaset_controller(ControllerDeps deps);
std::unique_ptr<Controller> make_replication_controller(ControllerDeps deps);

}  // namespace pintle::controller::replicaset

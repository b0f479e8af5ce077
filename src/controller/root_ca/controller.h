// Every namespace has the ConfigMap kube-root-ca.crt with the cluster's certificate authority.
#pragma once

#include "controller/framework/controller.h"

namespace pintle::controller::root_ca {

std::unique_ptr<Controller> make_root_ca_publisher(ControllerDeps deps);

}  // namespace pintle::controller::root_ca

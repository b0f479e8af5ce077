// Certificate signing requests: the approver (kubelets' certificates), the signer (four of Kubernetes' own signers), the
// cleaner (old requests).
#pragma once

#include "controller/framework/controller.h"

namespace pintle::controller::csr {

std::unique_ptr<Controller> make_csr_approver(ControllerDeps deps);
std::unique_ptr<Controller> make_csr_signer(ControllerDeps deps);
std::unique_ptr<Controller> make_csr_cleaner(ControllerDeps deps);

}  // namespace pintle::controller::csr

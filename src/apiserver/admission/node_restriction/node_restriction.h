// NodeRestriction: a kubelet changes its own node and its own pods, in what is its business.
#pragma once

#include "apiserver/admission/admission.h"

namespace pintle::apiserver {

std::unique_ptr<AdmissionPlugin> make_node_restriction(const AdmissionDeps& deps);

}  // namespace pintle::apiserver

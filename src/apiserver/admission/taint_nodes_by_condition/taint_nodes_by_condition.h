// TaintNodesByCondition: a new node is not ready until the node controller says so.
#pragma once

#include "apiserver/admission/admission.h"

namespace pintle::apiserver {

std::unique_ptr<AdmissionPlugin> make_taint_nodes_by_condition(const AdmissionDeps& deps);

}  // namespace pintle::apiserver

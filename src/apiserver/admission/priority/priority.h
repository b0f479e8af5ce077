// Priority: a pod's number and preemption policy come from its priority class, and there is one default class at most.
#pragma once

#include "apiserver/admission/admission.h"

namespace pintle::apiserver {

std::unique_ptr<AdmissionPlugin> make_priority(const AdmissionDeps& deps);

}  // namespace pintle::apiserver

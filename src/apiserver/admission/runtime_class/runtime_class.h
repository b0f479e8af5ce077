// RuntimeClass: a pod's runtime class exists, and its overhead and scheduling become the pod's.
#pragma once

#include "apiserver/admission/admission.h"

namespace pintle::apiserver {

std::unique_ptr<AdmissionPlugin> make_runtime_class(const AdmissionDeps& deps);

}  // namespace pintle::apiserver

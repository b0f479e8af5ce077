// Which requests quotas are about. No I/O.
#pragma once

#include "apimachinery/quota/usage.h"
#include "apiserver/admission/admission.h"

namespace pintle::apiserver::quota {

// Whether a request of this kind can change what quotas count.
bool concerns(const AdmissionAttributes& attributes);
apimachinery::quota::CountedResource counted_resource(const AdmissionAttributes& attributes);

}  // namespace pintle::apiserver::quota

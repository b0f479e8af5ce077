// Which requests quotas are about. No I/O.
#pragma once

#include "apiserver/admission/admission.h"
#include "rules/quota/usage.h"

namespace pintle::apiserver::admission::quota {

// Whether a request of this kind can change what quotas count.
bool concerns(const AdmissionAttributes& attributes);
rules::quota::CountedResource counted_resource(const AdmissionAttributes& attributes);

}  // namespace pintle::apiserver::admission::quota

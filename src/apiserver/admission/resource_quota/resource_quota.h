// ResourceQuota: what a namespace may use at most. The usage is checked and written down in one guarded update of each
// quota's status, so that two requests cannot share the last unit.
#pragma once

#include "apiserver/admission/admission.h"

namespace pintle::apiserver {

std::unique_ptr<AdmissionPlugin> make_resource_quota(const AdmissionDeps& deps);

}  // namespace pintle::apiserver

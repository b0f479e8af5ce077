// LimitRanger: the defaults and bounds that the LimitRanges of a namespace set on pods and claims.
#pragma once

#include "apiserver/admission/admission.h"

namespace pintle::apiserver {

std::unique_ptr<AdmissionPlugin> make_limit_ranger(const AdmissionDeps& deps);

}  // namespace pintle::apiserver

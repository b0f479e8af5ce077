// DefaultIngressClass: an ingress that names no class gets the default one.
#pragma once

#include "apiserver/admission/admission.h"

namespace pintle::apiserver {

std::unique_ptr<AdmissionPlugin> make_default_ingress_class(const AdmissionDeps& deps);

}  // namespace pintle::apiserver

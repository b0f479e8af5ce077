// PodSecurity: the pod security standards, by the labels of the namespace: enforced on pods, warned about on pods and on
// what makes them.
#pragma once

#include "apiserver/admission/admission.h"

namespace pintle::apiserver {

std::unique_ptr<AdmissionPlugin> make_pod_security(const AdmissionDeps& deps);

}  // namespace pintle::apiserver

// NamespaceLifecycle: nothing is made in a namespace that does not exist or is on its way out, and the namespaces that
// the cluster itself lives in stay.
#pragma once

#include "apiserver/admission/admission.h"

namespace pintle::apiserver {

std::unique_ptr<AdmissionPlugin> make_namespace_lifecycle(const AdmissionDeps& deps);

}  // namespace pintle::apiserver

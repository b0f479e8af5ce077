// ServiceAccount: every pod runs as an account that exists, and finds that account's token, the cluster's CA and its own
// namespace below /var/run/secrets/kubernetes.io/serviceaccount.
#pragma once

#include "apiserver/admission/admission.h"

namespace pintle::apiserver {

std::unique_ptr<AdmissionPlugin> make_service_account(const AdmissionDeps& deps);

}  // namespace pintle::apiserver

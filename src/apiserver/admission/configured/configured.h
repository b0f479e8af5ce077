// The plugins that clients configure: webhooks and policies. What their configurations select is refused while failurePolicy
// is Fail, as nothing here can ask them yet.
#pragma once

#include "apiserver/admission/admission.h"

namespace pintle::apiserver {

std::unique_ptr<AdmissionPlugin> make_mutating_admission_policy(const AdmissionDeps& deps);
std::unique_ptr<AdmissionPlugin> make_mutating_admission_webhook(const AdmissionDeps& deps);
std::unique_ptr<AdmissionPlugin> make_validating_admission_policy(const AdmissionDeps& deps);
std::unique_ptr<AdmissionPlugin> make_validating_admission_webhook(const AdmissionDeps& deps);

}  // namespace pintle::apiserver

#include "apiserver/resources/admissionregistration/admissionregistration.h"

#include "apiserver/resources/resources.h"

namespace pintle::apiserver::resources {

void add_admissionregistration(Definitions& out) {
  for (const auto make : {admissionregistration::validating_webhook_configurations, admissionregistration::mutating_webhook_configurations,
                          admissionregistration::validating_admission_policies, admissionregistration::validating_admission_policy_bindings,
                          admissionregistration::mutating_admission_policies, admissionregistration::mutating_admission_policy_bindings})
    out.push_back(make());
}

}  // namespace pintle::apiserver::resources

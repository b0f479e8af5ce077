// The plugin's own configuration: levels of namespaces whose labels state none, and who is not looked at. Pure.
#pragma once

#include "api/gen/podsecurity_v1.h"
#include "apiserver/admission/pod_security/policy.h"
#include "base/status.h"

namespace pintle::apiserver::admission::pod_security {

// Invalid with one line: a level or a version that there is not, an exemption that is no name or stands twice.
Result<Unit> check(const api::podsecurity_v1::PodSecurityConfiguration& configuration);
// Of a namespace without labels. `configuration` has passed check().
NamespacePolicy default_policy(const api::podsecurity_v1::PodSecurityConfiguration& configuration);

}  // namespace pintle::apiserver::admission::pod_security

// What an object costs, and whether a quota counts it. No I/O.
#pragma once

#include <string>
#include <vector>

#include "api/gen/core_v1.h"
#include "apiserver/admission/admission.h"
#include "apiserver/admission/pod_resources.h"

namespace pintle::apiserver::quota {

// Whether a request of this kind can change what quotas count.
bool concerns(const AdmissionAttributes& attributes);
// What `object` of the request's resource uses, in every name under which a quota may count it.
ResourceList usage_of(const AdmissionAttributes& attributes, const api::Object& object);
// Of the names in `hard`, those that count this kind of object.
std::vector<std::string> counted_names(const AdmissionAttributes& attributes, const ResourceList& hard);
// Whether the object is within the quota's scopes.
bool in_scope(const api::core_v1::ResourceQuota& quota, const AdmissionAttributes& attributes, const api::Object& object);
// Containers that do not state what the quota counts: `must specify requests.cpu for: c`; "" if all do.
std::string missing_requests(const std::vector<std::string>& names, const api::Object& object);

ResourceList mask(const ResourceList& list, const std::vector<std::string>& names);

}  // namespace pintle::apiserver::quota

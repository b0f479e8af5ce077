// The scopes by which a quota picks pods and claims.
#pragma once

#include "api/gen/core_v1.h"

namespace pintle::rules::quota {

// Bound to end by itself: it has an activeDeadlineSeconds.
bool is_terminating(const api::core_v1::Pod& pod);
bool pod_in_scope(const api::core_v1::Pod& pod, const api::core_v1::ScopedResourceSelectorRequirement& scope);
bool claim_in_scope(const api::core_v1::PersistentVolumeClaim& claim, const api::core_v1::ScopedResourceSelectorRequirement& scope);

}  // namespace pintle::rules::quota

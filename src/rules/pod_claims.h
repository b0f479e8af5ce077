// The PersistentVolumeClaims of a pod's volumes. Pure.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "api/gen/core_v1.h"

namespace pintle::rules {

// Of claims that pods use: the claim outlives them.
constexpr std::string_view claim_protection_finalizer = "kubernetes.io/pvc-protection";

// The name of the volume's claim: the one that it names, or POD-VOLUME, which is made for a generic ephemeral volume; "": the volume is
// no claim.
std::string claim_name(const api::core_v1::Pod& pod, const api::core_v1::Volume& volume);
// Of all its volumes; a name comes as often as it is used.
std::vector<std::string> claim_names(const api::core_v1::Pod& pod);
// Whether the claim was made for a generic ephemeral volume of the pod: the pod controls it. Another's claim that happens to have the
// name, or was made to have it, is not the pod's to use.
bool is_claim_of(const api::core_v1::PersistentVolumeClaim& claim, const api::core_v1::Pod& pod);

}  // namespace pintle::rules

// Who owns the claim of a pod: its owner references by the set's retention policy. Pure.
#pragma once

#include <optional>
#include <vector>

#include "controller/statefulset/identity.h"

namespace pintle::controller::statefulset {

// The owner references that the claim should have; nullopt: those that it has. The set owns it with whenDeleted: Delete, the pod once
// its ordinal is not wanted with whenScaled: Delete; as a controller, and only where no other object is one. What the claim has from a
// former set or pod of these names stays: it is the garbage collector's.
std::optional<std::vector<api::meta_v1::OwnerReference>> plan_owners(const PersistentVolumeClaim& claim, const StatefulSet& set, const Pod& pod);

// Whether the claim still goes with a former pod of that name: the next one is not made before it has gone.
bool is_stale(const PersistentVolumeClaim& claim, const StatefulSet& set, std::string_view pod_name);

}  // namespace pintle::controller::statefulset

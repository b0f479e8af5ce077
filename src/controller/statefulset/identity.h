// The pods of a StatefulSet by their ordinals: names, host names, claims. Pure.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "api/gen/apps_v1.h"

namespace pintle::controller::statefulset {

using api::apps_v1::StatefulSet;
using api::core_v1::PersistentVolumeClaim;
using api::core_v1::Pod;

inline constexpr std::string_view revision_label = "controller-revision-hash";
inline constexpr std::string_view pod_name_label = "statefulset.kubernetes.io/pod-name";
inline constexpr std::string_view pod_index_label = "apps.kubernetes.io/pod-index";

// "web-3" of set "web" is 3; nullopt: no pod of that set.
std::optional<int32_t> ordinal_of(const StatefulSet& set, std::string_view pod_name);
inline std::string pod_name(const StatefulSet& set, int32_t ordinal) { return set.metadata.name + "-" + std::to_string(ordinal); }
inline int32_t first_ordinal(const StatefulSet& set) { return set.spec.ordinals ? set.spec.ordinals->start : 0; }
inline int32_t replicas_of(const StatefulSet& set) { return set.spec.replicas.value_or(1); }
// Past the last ordinal: of 64 bits, as the sum may be beyond what an ordinal holds.
inline int64_t end_ordinal(const StatefulSet& set) { return int64_t{first_ordinal(set)} + replicas_of(set); }
inline bool is_wanted(const StatefulSet& set, int32_t ordinal) { return ordinal >= first_ordinal(set) && ordinal < end_ordinal(set); }

// The pod of that ordinal, of this template, labelled with that revision's name.
Pod make_pod(const StatefulSet& set, const api::core_v1::PodTemplateSpec& pod_template, int32_t ordinal, const std::string& revision);
// The claims that the pod of the ordinal uses.
std::vector<PersistentVolumeClaim> claims_of(const StatefulSet& set, int32_t ordinal);
// Whether a pod's name, labels, host name and claims are those of its ordinal.
bool has_identity(const StatefulSet& set, const Pod& pod);
bool has_storage(const StatefulSet& set, const Pod& pod);
// Gives them to it.
void set_identity(const StatefulSet& set, Pod& pod, int32_t ordinal);
void set_storage(const StatefulSet& set, Pod& pod, int32_t ordinal);

}  // namespace pintle::controller::statefulset

// A Deployment's ReplicaSets: which is the new one, their order, revisions and annotations, and what a Deployment's
// numbers come to. Pure.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "api/gen/apps_v1.h"

namespace pintle::controller::deployment {

using api::apps_v1::Deployment;
using api::apps_v1::ReplicaSet;
using SetPtr = std::shared_ptr<const ReplicaSet>;
using Sets = std::vector<SetPtr>;

inline constexpr std::string_view revision_annotation = "deployment.kubernetes.io/revision";
inline constexpr std::string_view revision_history_annotation = "deployment.kubernetes.io/revision-history";
inline constexpr std::string_view desired_replicas_annotation = "deployment.kubernetes.io/desired-replicas";
inline constexpr std::string_view max_replicas_annotation = "deployment.kubernetes.io/max-replicas";
inline constexpr std::string_view hash_label = "pod-template-hash";
inline constexpr std::size_t revision_history_chars_max = 2000;

inline int32_t replicas_of(const ReplicaSet& set) { return set.spec.replicas.value_or(1); }
inline int32_t replicas_of(const Deployment& deployment) { return deployment.spec.replicas.value_or(1); }
inline bool is_rolling(const Deployment& deployment) { return deployment.spec.strategy.type == "RollingUpdate"; }

// The set whose template is the Deployment's; of several, the oldest. nullptr: none.
SetPtr find_new(const Deployment& deployment, const Sets& sets);
Sets active(const Sets& sets);  // those that want pods
int32_t wanted_pods(const Sets& sets);
int32_t actual_pods(const Sets& sets);
int32_t available_pods(const Sets& sets);

// Older first; by name within one second.
void sort_by_creation(Sets& sets);

int64_t revision_of(const api::meta_v1::ObjectMeta& meta);  // 0: none, or no number
int64_t max_revision(const Sets& sets);

struct Fenceposts {
  int32_t surge = 0;
  int32_t unavailable = 0;
};
// Surge rounds up, unavailable down; one pod may be unavailable if both come to nothing.
Fenceposts fenceposts(const Deployment& deployment);
int32_t max_surge(const Deployment& deployment);        // 0 unless rolling
int32_t max_unavailable(const Deployment& deployment);  // at most the replicas; 0 unless rolling

// How many pods the new set is to have now: all, or, while rolling, what the surge leaves room for.
int32_t new_set_replicas(const Deployment& deployment, int32_t all_wanted_pods, int32_t new_set_now);

// Brings a set's annotations up to date; true if one changed.
bool set_new_set_annotations(const Deployment& deployment, ReplicaSet& set, int64_t revision, bool exists);
bool set_replicas_annotations(ReplicaSet& set, int32_t desired, int32_t most);
// The number of an annotation; -1 if it is absent or none.
int32_t annotated_number(const ReplicaSet& set, std::string_view annotation);

// The ReplicaSet of the Deployment's template, without replicas and annotations.
ReplicaSet make_new_set(const Deployment& deployment);

}  // namespace pintle::controller::deployment

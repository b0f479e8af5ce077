#include "controller/deployment/replica_sets.h"

#include <algorithm>
#include <array>

#include "base/parse_number.h"
#include "base/strings.h"
#include "controller/objects/amount.h"
#include "controller/objects/hash.h"
#include "controller/objects/owner.h"
#include "controller/objects/time.h"

namespace pintle::controller::deployment {

namespace {

template <class Count>
int32_t sum(const Sets& sets, Count count) {
  int32_t total = 0;
  for (const SetPtr& set : sets) total += count(*set);
  return total;
}

constexpr std::array<std::string_view, 6> uncopied_annotations = {"kubectl.kubernetes.io/last-applied-configuration",
                                                                  revision_annotation,
                                                                  revision_history_annotation,
                                                                  desired_replicas_annotation,
                                                                  max_replicas_annotation,
                                                                  "deprecated.deployment.rollback.to"};

}  // namespace

SetPtr find_new(const Deployment& deployment, const Sets& sets) {
  Sets sorted = sets;
  sort_by_creation(sorted);
  for (SetPtr& set : sorted)
    if (objects::equal_ignoring_hash(set->spec.template_, deployment.spec.template_)) return set;
  return nullptr;
}

Sets active(const Sets& sets) {
  Sets out;
  for (const SetPtr& set : sets)
    if (replicas_of(*set) > 0) out.push_back(set);
  return out;
}

int32_t wanted_pods(const Sets& sets) {
  return sum(sets, [](const ReplicaSet& set) { return replicas_of(set); });
}
int32_t actual_pods(const Sets& sets) {
  return sum(sets, [](const ReplicaSet& set) { return set.status.replicas; });
}
int32_t available_pods(const Sets& sets) {
  return sum(sets, [](const ReplicaSet& set) { return set.status.available_replicas; });
}

void sort_by_creation(Sets& sets) {
  std::ranges::sort(sets, [](const SetPtr& a, const SetPtr& b) {
    const auto& left = a->metadata;
    const auto& right = b->metadata;
    return left.creation_timestamp == right.creation_timestamp ? left.name < right.name
                                                               : objects::before(left.creation_timestamp, right.creation_timestamp);
  });
}

int64_t revision_of(const api::meta_v1::ObjectMeta& meta) {
  const std::string* text = meta.annotations.get(revision_annotation);
  return text ? parse_number<int64_t>(*text).value_or(0) : 0;
}

int64_t max_revision(const Sets& sets) {
  int64_t most = 0;
  for (const SetPtr& set : sets) most = std::max(most, revision_of(set->metadata));
  return most;
}

Fenceposts fenceposts(const Deployment& deployment) {
  Fenceposts out;
  const int32_t replicas = replicas_of(deployment);
  const auto* rolling = deployment.spec.strategy.rolling_update.get();
  api::IntOrString none;
  out.surge = objects::scaled_amount(rolling ? rolling->max_surge.value_or(none) : none, replicas, true).value_or(0);
  out.unavailable = objects::scaled_amount(rolling ? rolling->max_unavailable.value_or(none) : none, replicas, false).value_or(0);
  if (out.surge == 0 && out.unavailable == 0) out.unavailable = 1;
  return out;
}

int32_t max_surge(const Deployment& deployment) { return is_rolling(deployment) ? fenceposts(deployment).surge : 0; }

int32_t max_unavailable(const Deployment& deployment) {
  if (!is_rolling(deployment) || replicas_of(deployment) == 0) return 0;
  return std::min(fenceposts(deployment).unavailable, replicas_of(deployment));
}

int32_t new_set_replicas(const Deployment& deployment, int32_t all_wanted_pods, int32_t new_set_now) {
  const int32_t replicas = replicas_of(deployment);
  if (!is_rolling(deployment)) return replicas;
  const int32_t room = replicas + max_surge(deployment) - all_wanted_pods;
  if (room <= 0) return new_set_now;
  return new_set_now + std::min(room, replicas - new_set_now);
}

int32_t annotated_number(const ReplicaSet& set, std::string_view annotation) {
  const std::string* text = set.metadata.annotations.get(annotation);
  return text ? parse_number<int32_t>(*text).value_or(-1) : -1;
}

bool set_replicas_annotations(ReplicaSet& set, int32_t desired, int32_t most) {
  bool changed = false;
  for (const auto& [name, number] : {std::pair(desired_replicas_annotation, desired), std::pair(max_replicas_annotation, most)}) {
    std::string& value = set.metadata.annotations[name];
    std::string text = std::to_string(number);
    if (value != text) {
      value = std::move(text);
      changed = true;
    }
  }
  return changed;
}

namespace {

// A set that becomes the new one again keeps the revisions it had in its history.
bool raise_revision(ReplicaSet& set, int64_t revision) {
  auto& annotations = set.metadata.annotations;
  const int64_t old = revision_of(set.metadata);
  if (old >= revision) return false;
  const std::string* had = annotations.get(revision_annotation);
  std::string previous = had ? *had : std::string();
  annotations[revision_annotation] = std::to_string(revision);
  if (previous.empty()) return true;
  std::string& history = annotations[revision_history_annotation];
  std::string longer = history.empty() ? previous : history + "," + previous;
  while (longer.size() > revision_history_chars_max && longer.contains(',')) longer.erase(0, longer.find(',') + 1);
  if (longer.size() <= revision_history_chars_max) history = std::move(longer);
  return true;
}

}  // namespace

bool set_new_set_annotations(const Deployment& deployment, ReplicaSet& set, int64_t revision, bool exists) {
  bool changed = false;
  for (const auto& [key, value] : deployment.metadata.annotations) {
    if (contains(uncopied_annotations, key)) continue;
    std::string& ours = set.metadata.annotations[key];
    changed |= ours != value;
    ours = value;
  }
  changed |= raise_revision(set, revision);
  if (!exists) changed |= set_replicas_annotations(set, replicas_of(deployment), replicas_of(deployment) + max_surge(deployment));
  return changed;
}

ReplicaSet make_new_set(const Deployment& deployment) {
  ReplicaSet set;
  const std::string hash = objects::pod_template_hash(deployment.spec.template_, deployment.status.collision_count);
  // A name of the longest length gives its end to the hash.
  constexpr std::size_t name_bytes_max = 253;
  set.metadata.name = deployment.metadata.name.substr(0, name_bytes_max - hash.size() - 1) + "-" + hash;
  set.metadata.namespace_ = deployment.metadata.namespace_;
  set.metadata.owner_references.push_back(rules::controller_reference("apps/v1", "Deployment", deployment.metadata));
  set.metadata.labels = deployment.spec.template_.metadata.labels;
  set.metadata.labels[hash_label] = hash;
  set.spec.min_ready_seconds = deployment.spec.min_ready_seconds;
  set.spec.selector = deployment.spec.selector;
  set.spec.selector.ensure().match_labels[hash_label] = hash;
  set.spec.template_ = deployment.spec.template_;
  set.spec.template_.metadata.labels[hash_label] = hash;
  return set;
}

}  // namespace pintle::controller::deployment

#include "controller/statefulset/plan.h"

#include <algorithm>
#include <map>

#include "controller/objects/time.h"
#include "rules/pod_state.h"

namespace pintle::controller::statefulset {

namespace {

class Round {
 public:
  explicit Round(const Observed& seen)
      : seen_(seen),
        set_(seen.set),
        ordered_(set_.spec.pod_management_policy != "Parallel"),
        start_(first_ordinal(set_)),
        end_(std::min<int64_t>(end_ordinal(set_), int64_t{INT32_MAX} + 1)) {}
  Plan run();

 private:
  void sort_pods();
  void count(const pods::PodPtr& pod);
  // True: the round ends here.
  bool keep(int32_t ordinal);
  bool condemn(const pods::PodPtr& pod);
  void roll();
  bool is_current(const Pod& pod) const { return revision_of(pod) == seen_.current_revision; }
  std::string revision_of(const Pod& pod) const {
    const std::string* label = pod.metadata.labels.get(revision_label);
    return label ? *label : std::string();
  }
  bool wants_current(int32_t ordinal) const;
  bool available(const Pod& pod) {
    if (const auto wait = pods::until_available(pod, set_.spec.min_ready_seconds, seen_.now))
      plan_.look_again = std::min(plan_.look_again.value_or(*wait), *wait);
    return pods::is_available(pod, set_.spec.min_ready_seconds, seen_.now);
  }
  static bool running_and_ready(const Pod& pod) { return pod.status.phase == "Running" && rules::is_ready(pod); }
  static bool healthy(const Pod& pod) { return running_and_ready(pod) && !pods::is_deleted(pod.metadata); }
  pods::PodPtr first_unhealthy() const;

  const Observed& seen_;
  const StatefulSet& set_;
  const bool ordered_;
  const int64_t start_, end_;
  std::map<int32_t, pods::PodPtr> kept_;  // ordinals in range
  std::map<int32_t, pods::PodPtr, std::greater<>> condemned_;
  Plan plan_;
};

void Round::count(const pods::PodPtr& pod) {
  auto& status = plan_.status;
  ++status.replicas;
  if (running_and_ready(*pod)) {
    ++status.ready_replicas;
    if (available(*pod)) ++status.available_replicas;
  }
  if (pods::is_deleted(pod->metadata)) return;
  if (is_current(*pod)) ++status.current_replicas;
  if (revision_of(*pod) == seen_.update_revision) ++status.updated_replicas;
}

void Round::sort_pods() {
  auto& status = plan_.status;
  status = set_.status;
  status.replicas = status.ready_replicas = status.available_replicas = status.current_replicas = status.updated_replicas = 0;
  status.observed_generation = set_.metadata.generation;
  status.current_revision = seen_.current_revision;
  status.update_revision = seen_.update_revision;
  for (const pods::PodPtr& pod : seen_.pods) {
    const auto ordinal = ordinal_of(set_, pod->metadata.name);
    if (!ordinal) continue;
    count(pod);
    if (is_wanted(set_, *ordinal)) {
      kept_[*ordinal] = pod;
    } else {
      condemned_[*ordinal] = pod;
    }
  }
}

// Below the partition pods stay with the current revision.
bool Round::wants_current(int32_t ordinal) const {
  if (set_.spec.update_strategy.type != "RollingUpdate") return false;
  const auto* rolling = set_.spec.update_strategy.rolling_update.get();
  if (rolling == nullptr || !rolling->partition) return ordinal < start_ + set_.status.current_replicas;
  return ordinal < start_ + *rolling->partition;
}

bool Round::keep(int32_t ordinal) {
  auto it = kept_.find(ordinal);
  if (it == kept_.end()) {
    plan_.create.push_back({ordinal, wants_current(ordinal)});
    return ordered_;
  }
  const pods::PodPtr& pod = it->second;
  if (rules::is_terminal(*pod)) {
    if (!pods::is_deleted(pod->metadata)) {
      const bool failed = pod->status.phase == "Failed";
      plan_.remove.push_back({pod, failed ? "RecreatingFailedPod" : "RecreatingTerminatedPod"});
    }
    return ordered_;  // made anew when it has gone
  }
  if (pod->status.phase == "Pending" || pod->status.phase.empty()) plan_.claims.push_back(ordinal);
  if (ordered_ && (pods::is_deleted(pod->metadata) || !running_and_ready(*pod) || !available(*pod))) return true;
  if (!pods::is_deleted(pod->metadata) && (!has_identity(set_, *pod) || !has_storage(set_, *pod))) plan_.repair.push_back(pod);
  return false;
}

pods::PodPtr Round::first_unhealthy() const {
  for (const auto& [ordinal, pod] : kept_)
    if (!healthy(*pod)) return pod;
  pods::PodPtr lowest;
  for (const auto& [ordinal, pod] : condemned_)
    if (!healthy(*pod)) lowest = pod;
  return lowest;
}

// From the highest ordinal down. One that is not well stops it, unless it is the first such pod of all.
bool Round::condemn(const pods::PodPtr& pod) {
  if (pods::is_deleted(pod->metadata)) return ordered_;
  if (ordered_ && pod != first_unhealthy() && (!running_and_ready(*pod) || !available(*pod))) return true;
  plan_.remove.push_back({pod, ""});
  return ordered_;
}

// The highest pod of an old revision goes, when all above it are new and well.
void Round::roll() {
  if (set_.spec.update_strategy.type == "OnDelete") return;
  const auto* rolling = set_.spec.update_strategy.rolling_update.get();
  const int64_t lowest = start_ + (rolling ? rolling->partition.value_or(0) : 0);
  for (int64_t ordinal = end_ - 1; ordinal >= lowest; --ordinal) {
    auto it = kept_.find(static_cast<int32_t>(ordinal));
    if (it == kept_.end()) return;
    const Pod& pod = *it->second;
    if (revision_of(pod) != seen_.update_revision && !pods::is_deleted(pod.metadata)) {
      plan_.remove.push_back({it->second, ""});
      return;
    }
    if (!healthy(pod) || !available(pod)) return;
  }
}

Plan Round::run() {
  sort_pods();
  if (pods::is_deleted(set_.metadata)) return std::move(plan_);
  for (int64_t ordinal = start_; ordinal < end_; ++ordinal)
    if (keep(static_cast<int32_t>(ordinal))) return std::move(plan_);
  for (const auto& [ordinal, pod] : condemned_)
    if (condemn(pod)) return std::move(plan_);
  if (plan_.create.empty() && plan_.remove.empty()) roll();
  return std::move(plan_);
}

}  // namespace

Plan plan_set(const Observed& observed) { return Round(observed).run(); }

void complete_rollout(const StatefulSet& set, api::apps_v1::StatefulSetStatus& status) {
  const int32_t wanted = replicas_of(set);
  if (set.spec.update_strategy.type == "RollingUpdate" && status.updated_replicas == wanted && status.ready_replicas == wanted &&
      status.replicas == wanted) {
    status.current_replicas = status.updated_replicas;
    status.current_revision = status.update_revision;
  }
}

}  // namespace pintle::controller::statefulset

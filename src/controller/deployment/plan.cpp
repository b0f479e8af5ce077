#include "controller/deployment/plan.h"

#include <algorithm>
#include <cmath>

#include "api/codec.h"
#include "controller/objects/time.h"
#include "rules/conditions.h"

namespace pintle::controller::deployment {

namespace {

// One round. Sizes are decided on what was observed; a set made in this round counts as there, without pods.
class Round {
 public:
  explicit Round(const Observed& observed) : seen_(observed), deployment_(observed.deployment), result_(observed.deployment) {
    new_ = find_new(deployment_, seen_.sets);
    for (const SetPtr& set : seen_.sets)
      if (set != new_) old_.push_back(set);
    sort_by_creation(old_);
  }

  Plan run();

 private:
  void sync_revision(bool create);
  void create_new_set(int64_t revision);
  void roll();
  void recreate();
  void scale();
  void scale_in_proportion();
  bool grow_new_set();
  bool shrink_old_sets();
  bool resize(const SetPtr& set, int32_t size, bool annotate_only_with_size = true);
  ReplicaSet& change(const SetPtr& set);
  void clean_up();
  bool is_scaling() const;
  bool is_saturated() const;
  SetPtr active_or_latest() const;
  Sets all() const {
    Sets out = old_;
    if (new_) out.push_back(new_);
    return out;
  }
  void finish(DeploymentStatus status);

  const Observed& seen_;
  const Deployment& deployment_;
  Deployment result_;  // with revision and conditions as this round changes them
  SetPtr new_;
  Sets old_;  // older first
  Plan plan_;
};

ReplicaSet& Round::change(const SetPtr& set) {
  if (plan_.create && plan_.create->metadata.name == set->metadata.name) return *plan_.create;
  for (SetUpdate& update : plan_.update)
    if (update.set.metadata.name == set->metadata.name) return update.set;
  plan_.update.push_back({*set, ""});
  return plan_.update.back().set;
}

bool Round::resize(const SetPtr& set, int32_t size, bool annotate_only_with_size) {
  const int32_t from = replicas_of(*set);
  if (from == size && annotate_only_with_size) return false;
  const int32_t desired = replicas_of(deployment_), most = desired + max_surge(deployment_);
  if (from == size && annotated_number(*set, desired_replicas_annotation) == desired && annotated_number(*set, max_replicas_annotation) == most)
    return false;
  ReplicaSet& changed = change(set);
  changed.spec.replicas = size;
  set_replicas_annotations(changed, desired, most);
  if (from == size) return false;
  for (SetUpdate& update : plan_.update)
    if (&update.set == &changed)
      update.event = std::string("Scaled ") + (from < size ? "up" : "down") + " replica set " + set->metadata.name + " from " + std::to_string(from) +
                     " to " + std::to_string(size);
  return true;
}

void Round::create_new_set(int64_t revision) {
  ReplicaSet set = make_new_set(deployment_);
  set.spec.replicas = new_set_replicas(deployment_, wanted_pods(old_), 0);
  set_new_set_annotations(deployment_, set, revision, false);
  if (has_progress_deadline(deployment_))
    set_deployment_condition(result_.status, "Progressing", "True", "NewReplicaSetCreated", "Created new replica set \"" + set.metadata.name + "\"",
                             seen_.now);
  result_.metadata.annotations[revision_annotation] = std::to_string(revision);
  new_ = std::make_shared<const ReplicaSet>(set);
  plan_.create = std::move(set);
}

void Round::sync_revision(bool create) {
  const int64_t revision = max_revision(old_) + 1;
  if (new_ == nullptr) {
    if (create) create_new_set(revision);
    return;
  }
  ReplicaSet copy = *new_;
  const bool annotated = set_new_set_annotations(deployment_, copy, revision, true);
  if (annotated || copy.spec.min_ready_seconds != deployment_.spec.min_ready_seconds) {
    copy.spec.min_ready_seconds = deployment_.spec.min_ready_seconds;
    change(new_) = copy;
  }
  result_.metadata.annotations[revision_annotation] = copy.metadata.annotations[revision_annotation];
  if (has_progress_deadline(deployment_) && rules::find_condition(result_.status.conditions, "Progressing") == nullptr)
    set_deployment_condition(result_.status, "Progressing", "True", "FoundNewReplicaSet", "Found new replica set \"" + new_->metadata.name + "\"",
                             seen_.now);
}

bool Round::grow_new_set() {
  const int32_t want = replicas_of(deployment_), now = replicas_of(*new_);
  if (now == want) return false;
  if (now > want) return resize(new_, want);
  return resize(new_, new_set_replicas(deployment_, wanted_pods(all()), now));
}

// Unavailable pods of old sets go first: they serve nobody. Then as many as availability allows.
bool Round::shrink_old_sets() {
  if (wanted_pods(old_) == 0) return false;
  const int32_t min_available = replicas_of(deployment_) - max_unavailable(deployment_);
  const int32_t new_unavailable = replicas_of(*new_) - new_->status.available_replicas;
  const int32_t most = wanted_pods(all()) - min_available - new_unavailable;
  if (most <= 0) return false;
  std::vector<int32_t> sizes;
  int32_t cleaned = 0;
  for (const SetPtr& set : old_) {
    int32_t size = replicas_of(*set);
    const int32_t gone = std::max(0, std::min(most - cleaned, size - set->status.available_replicas));
    cleaned += gone;
    sizes.push_back(size - gone);
  }
  int32_t spare = available_pods(all()) - min_available;
  for (std::size_t i = 0; i < old_.size() && spare > 0; ++i) {
    const int32_t gone = std::min(sizes[i], spare);
    sizes[i] -= gone;
    spare -= gone;
  }
  bool changed = false;
  for (std::size_t i = 0; i < old_.size(); ++i) changed |= resize(old_[i], sizes[i]);
  return changed;
}

void Round::clean_up() {
  const auto limit = deployment_.spec.revision_history_limit;
  if (!limit || *limit == INT32_MAX) return;
  Sets cleanable;
  for (const SetPtr& set : old_)
    if (!set->metadata.deletion_timestamp) cleanable.push_back(set);
  const int64_t surplus = static_cast<int64_t>(cleanable.size()) - *limit;
  if (surplus <= 0) return;
  std::ranges::stable_sort(cleanable, [](const SetPtr& a, const SetPtr& b) { return revision_of(a->metadata) < revision_of(b->metadata); });
  for (int64_t i = 0; i < surplus; ++i) {
    const SetPtr& set = cleanable[static_cast<std::size_t>(i)];
    if (set->status.replicas == 0 && replicas_of(*set) == 0 && set->metadata.generation <= set->status.observed_generation)
      plan_.remove.push_back(set);
  }
}

void Round::roll() {
  sync_revision(true);
  if (!grow_new_set() && !shrink_old_sets() && is_complete(deployment_, deployment_.status)) clean_up();
  finish(rollout_status(deployment_, result_.status, all(), new_, seen_.now));
}

void Round::recreate() {
  sync_revision(false);
  bool scaled = false;
  for (const SetPtr& set : active(old_)) scaled |= resize(set, 0);
  if (!scaled && !seen_.old_pods_running && actual_pods(old_) == 0) {
    if (new_ == nullptr) sync_revision(true);
    if (!resize(new_, replicas_of(deployment_)) && is_complete(deployment_, deployment_.status)) clean_up();
  }
  finish(rollout_status(deployment_, result_.status, all(), new_, seen_.now));
}

bool Round::is_scaling() const {
  return std::ranges::any_of(active(seen_.sets), [&](const SetPtr& set) {
    const int32_t desired = annotated_number(*set, desired_replicas_annotation);
    return desired >= 0 && desired != replicas_of(deployment_);
  });
}

bool Round::is_saturated() const {
  const int32_t want = replicas_of(deployment_);
  return new_ != nullptr && annotated_number(*new_, desired_replicas_annotation) == want && replicas_of(*new_) == want &&
         new_->status.available_replicas == want;
}

SetPtr Round::active_or_latest() const {
  if (new_ == nullptr && old_.empty()) return nullptr;
  const Sets working = active(all());
  if (working.empty()) return new_ ? new_ : old_.back();
  return working.size() == 1 ? working.front() : nullptr;
}

// A scaling in mid-rollout is shared out by size, so that what is at risk stays in proportion.
void Round::scale_in_proportion() {
  const int32_t want = replicas_of(deployment_), surge = max_surge(deployment_);
  Sets sets = active(all());
  const int32_t add = (want > 0 ? want + surge : 0) - wanted_pods(sets);
  std::ranges::sort(sets, [&](const SetPtr& a, const SetPtr& b) {
    if (replicas_of(*a) != replicas_of(*b)) return replicas_of(*a) > replicas_of(*b);
    const bool older = objects::before(a->metadata.creation_timestamp, b->metadata.creation_timestamp);
    const bool newer = objects::before(b->metadata.creation_timestamp, a->metadata.creation_timestamp);
    return older == newer ? a->metadata.name < b->metadata.name : add > 0 ? newer : older;
  });
  std::vector<int32_t> sizes;
  int32_t added = 0;
  for (const SetPtr& set : sets) {
    const int32_t size = replicas_of(*set);
    int32_t share = 0;
    if (add != added) {
      int32_t base = annotated_number(*set, max_replicas_annotation);
      if (base <= 0) base = deployment_.status.replicas;
      const int32_t fraction = want == 0   ? -size
                               : base == 0 ? 0
                                           : static_cast<int32_t>(std::lround(static_cast<double>(size) * (want + surge) / base)) - size;
      share = add > 0 ? std::min(fraction, add - added) : std::max(fraction, add - added);
    }
    added += share;
    sizes.push_back(size + share);
  }
  if (!sizes.empty()) sizes[0] = std::max(0, sizes[0] + add - added);
  for (std::size_t i = 0; i < sets.size(); ++i) resize(sets[i], sizes[i], false);
}

void Round::scale() {
  const int32_t want = replicas_of(deployment_);
  if (const SetPtr only = active_or_latest()) {
    if (replicas_of(*only) != want) resize(only, want);
  } else if (is_saturated()) {
    for (const SetPtr& set : active(old_)) resize(set, 0);
  } else if (is_rolling(deployment_)) {
    scale_in_proportion();
  }
}

void Round::finish(DeploymentStatus status) {
  plan_.look_again = until_deadline(deployment_, status, seen_.now);
  result_.status = std::move(status);
  const bool same_status = api::equal(api::type_of<DeploymentStatus>(), &result_.status, &deployment_.status);
  if (!same_status || result_.metadata.annotations != deployment_.metadata.annotations) plan_.status = std::move(result_);
}

Plan Round::run() {
  if (deployment_.metadata.deletion_timestamp) {
    finish(count_status(deployment_, result_.status, seen_.sets, new_, seen_.now));
    return std::move(plan_);
  }
  note_pause(deployment_, result_.status, seen_.now);
  if (deployment_.spec.paused || is_scaling()) {
    sync_revision(false);
    scale();
    if (deployment_.spec.paused) clean_up();
    finish(count_status(deployment_, result_.status, all(), new_, seen_.now));
  } else if (deployment_.spec.strategy.type == "Recreate") {
    recreate();
  } else {
    roll();
  }
  return std::move(plan_);
}

}  // namespace

Plan plan_deployment(const Observed& observed) { return Round(observed).run(); }

Deployment after_failed_create(const Deployment& deployment, const std::string& set_name, const Status& failure, rt::WallTime now) {
  Deployment out = deployment;
  out.status.observed_generation = deployment.metadata.generation;
  if (has_progress_deadline(deployment))
    set_deployment_condition(out.status, "Progressing", "False", "ReplicaSetCreateError",
                             "Failed to create new replica set \"" + set_name + "\": " + failure.message, now);
  return out;
}

Deployment after_collision(const Deployment& deployment) {
  Deployment out = deployment;
  out.status.collision_count = deployment.status.collision_count.value_or(0) + 1;
  return out;
}

}  // namespace pintle::controller::deployment

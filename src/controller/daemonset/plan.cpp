#include "controller/daemonset/plan.h"

#include <algorithm>

#include "controller/objects/amount.h"
#include "controller/objects/time.h"
#include "rules/pod_state.h"

namespace pintle::controller::daemonset {

namespace {

void remove(Plan& plan, const pods::PodPtr& pod, std::string event = {}) {
  if (plan.remove.size() < burst_max) plan.remove.push_back({pod, std::move(event)});
}

}  // namespace

int32_t surge_of(const DaemonSet& set, int32_t desired) {
  const auto* rolling = set.spec.update_strategy.rolling_update.get();
  if (set.spec.update_strategy.type != "RollingUpdate" || rolling == nullptr || !rolling->max_surge) return 0;
  return objects::scaled_amount(*rolling->max_surge, desired, true).value_or(0);
}

int32_t max_unavailable_of(const DaemonSet& set, int32_t desired) {
  const auto* rolling = set.spec.update_strategy.rolling_update.get();
  api::IntOrString one;
  one.int_value = 1;
  return std::max(1, objects::scaled_amount(rolling ? rolling->max_unavailable.value_or(one) : one, desired, true).value_or(1));
}

// Pods that have ended and are on their way out are the kubelet's or the collector's to remove.
NodeView::NodeView(const Terms& terms, std::optional<Placement> placement, std::vector<pods::PodPtr> pods, rt::Duration failure_wait)
    : terms_(terms), placement_(placement), pods_(std::move(pods)), failure_wait_(failure_wait) {
  std::erase_if(pods_, [](const pods::PodPtr& pod) { return pods::is_deleted(pod->metadata) && rules::is_terminal(*pod); });
  std::ranges::sort(pods_, [this](const pods::PodPtr& a, const pods::PodPtr& b) {
    if (a->spec.node_name.empty() != b->spec.node_name.empty()) return b->spec.node_name.empty();
    if (a->metadata.creation_timestamp != b->metadata.creation_timestamp)
      return objects::before(a->metadata.creation_timestamp, b->metadata.creation_timestamp);
    if (is_new(a) != is_new(b)) return is_new(b);  // made in one second
    return a->metadata.name < b->metadata.name;
  });
}

bool NodeView::is_new(const pods::PodPtr& pod) const {
  const std::string* hash = pod->metadata.labels.get(hash_label);
  return hash != nullptr && *hash == terms_.hash;
}

// While surging two pods may be on a node: an old one that serves, and a new one that does not yet.
void NodeView::keep_one_of_each(const std::vector<pods::PodPtr>& running, Plan& plan) const {
  pods::PodPtr fresh, old;
  for (const pods::PodPtr& pod : running) {
    pods::PodPtr& place = is_new(pod) ? fresh : old;
    if (place == nullptr) {
      place = pod;
    } else {
      remove(plan, pod);
    }
  }
  if (fresh != nullptr && old != nullptr && (!rules::is_ready(*old) || available(fresh))) remove(plan, old);
}

void NodeView::act(const std::string& node, Plan& plan) const {
  if (!placement_) {
    for (const pods::PodPtr& pod : pods_)  // meant for a node that is gone; those that run there are pod garbage collection's
      if (pod->spec.node_name.empty() && !pods::is_deleted(pod->metadata)) remove(plan, pod);
    return;
  }
  if (placement_->should_run && pods_.empty()) {
    plan.create.push_back(node);
    return;
  }
  if (!placement_->may_stay) {
    for (const pods::PodPtr& pod : pods_)
      if (!pods::is_deleted(pod->metadata)) remove(plan, pod);
    return;
  }
  std::vector<pods::PodPtr> running;
  for (const pods::PodPtr& pod : pods_) {
    if (pods::is_deleted(pod->metadata)) continue;
    if (pod->status.phase == "Failed") {
      if (failure_wait_ == rt::Duration::zero()) remove(plan, pod, "FailedDaemonPod");
    } else if (pod->status.phase == "Succeeded") {
      remove(plan, pod, "SucceededDaemonPod");
    } else {
      running.push_back(pod);
    }
  }
  if (!terms_.surging) {
    for (std::size_t i = 1; i < running.size(); ++i) remove(plan, running[i]);
    return;
  }
  if (running.empty() && placement_->should_run) plan.create.push_back(node);
  keep_one_of_each(running, plan);
}

NodeView::Pair NodeView::pair() const {
  Pair out;
  for (const pods::PodPtr& pod : pods_) {
    if (pods::is_deleted(pod->metadata)) continue;
    pods::PodPtr& place = is_new(pod) ? out.fresh : out.old;
    if (place != nullptr) out.too_many = true;
    place = pod;
  }
  return out;
}

pods::PodPtr NodeView::old_one() const {
  const Pair is = pair();
  return is.old != nullptr ? is.old : is.fresh;
}

void NodeView::roll_in_place(NodeFacts& facts) const {
  if (pods_.empty() && !placement_->should_run) return;
  const Pair is = pair();
  if (is.too_many || (is.fresh == nullptr) == (is.old == nullptr)) {
    facts.unavailable = true;
  } else if (is.fresh != nullptr) {
    facts.unavailable = !available(is.fresh);
  } else {
    facts.unavailable = !available(is.old);
    facts.roll = facts.unavailable ? Roll::Now : Roll::InTurn;
  }
}

void NodeView::roll_with_surge(NodeFacts& facts) const {
  const Pair is = pair();
  if (is.too_many) {
    facts.surged = true;
    return;
  }
  if (const pods::PodPtr& one = is.old != nullptr ? is.old : is.fresh; one != nullptr) facts.serving = available(one);
  if (is.old == nullptr) return;
  if (is.fresh != nullptr) {
    facts.surged = !available(is.fresh);
    if (!facts.surged) facts.roll = Roll::Now;
  } else if (!placement_->should_run) {
    facts.roll = available(is.old) ? Roll::Misplaced : Roll::Now;
  } else {
    facts.roll = available(is.old) ? Roll::Surge : Roll::Beside;
  }
}

NodeFacts NodeView::facts() const {
  NodeFacts out;
  if (!terms_.set.metadata.deletion_timestamp) {
    Plan plan;
    act("", plan);
    out.acts = !plan.create.empty() || !plan.remove.empty();
  }
  if (!placement_) return out;
  out.placement = *placement_;
  if (!pods_.empty() && !placement_->should_run) out.misscheduled = true;
  if (!pods_.empty() && placement_->should_run) {
    out.scheduled = true;
    // The oldest speaks for its node: a pod that surges beside it serves only once that one has gone.
    const pods::PodPtr& oldest = pods_.front();
    out.ready = rules::is_ready(*oldest);
    out.available = available(oldest);
    out.updated = is_new(oldest);
  }
  if (terms_.set.spec.update_strategy.type != "RollingUpdate") return out;
  if (terms_.surging) {
    roll_with_surge(out);
  } else {
    roll_in_place(out);
  }
  return out;
}

std::optional<rt::Duration> NodeView::look_again() const {
  std::optional<rt::Duration> out;
  for (const pods::PodPtr& pod : pods_) {
    if (const auto wait = pods::until_available(*pod, terms_.set.spec.min_ready_seconds, terms_.now)) out = std::min(out.value_or(*wait), *wait);
    if (pod->status.phase == "Failed" && failure_wait_ > rt::Duration::zero()) out = std::min(out.value_or(failure_wait_), failure_wait_);
  }
  return out;
}

}  // namespace pintle::controller::daemonset

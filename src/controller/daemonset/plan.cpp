#include "controller/daemonset/plan.h"

#include <algorithm>

#include "controller/objects/amount.h"
#include "controller/objects/time.h"
#include "rules/pod_state.h"

namespace pintle::controller::daemonset {

namespace {

struct NodeState {
  Placement placement;
  std::vector<pods::PodPtr> pods;  // those that are bound first, then older first
};

class Round {
 public:
  explicit Round(const Observed& seen) : seen_(seen) {}
  Plan run();

 private:
  void sort_pods();
  void manage(const std::string& name, NodeState& node);
  void keep_one(const std::vector<pods::PodPtr>& running);
  void keep_one_of_each(const std::vector<pods::PodPtr>& running);
  void roll();
  void roll_in_place(int32_t max_unavailable);
  void roll_with_surge(int32_t max_surge);
  void count();
  bool is_new(const pods::PodPtr& pod) const {
    const std::string* hash = pod->metadata.labels.get(hash_label);
    return hash != nullptr && *hash == seen_.hash;
  }
  bool available(const pods::PodPtr& pod) const { return pods::is_available(*pod, seen_.set.spec.min_ready_seconds, seen_.now); }
  int32_t surge() const;
  // The newest pod of the template and the newest other one; false: more than one of a sort is there still.
  bool new_and_old(const NodeState& node, pods::PodPtr& fresh, pods::PodPtr& old) const;
  void remove(const pods::PodPtr& pod, std::string event = {}) {
    if (plan_.remove.size() < burst_max && std::ranges::find(plan_.remove, pod, &Removal::pod) == plan_.remove.end())
      plan_.remove.push_back({pod, std::move(event)});
  }

  const Observed& seen_;
  std::map<std::string, NodeState> nodes_;
  int32_t desired_ = 0;
  Plan plan_;
};

void Round::sort_pods() {
  for (const NodePtr& node : seen_.nodes) {
    NodeState& state = nodes_[node->metadata.name];
    state.placement = place(seen_.set, *node, seen_.toleration_comparisons);
    desired_ += state.placement.should_run;
  }
  for (const pods::PodPtr& pod : seen_.pods) {
    if (pods::is_deleted(pod->metadata) && rules::is_terminal(*pod)) continue;  // it has ended, and is the kubelet's or the collector's to remove
    auto it = nodes_.find(target_node(*pod));
    if (it != nodes_.end()) {
      it->second.pods.push_back(pod);
    } else if (pod->spec.node_name.empty() && !pods::is_deleted(pod->metadata)) {
      remove(pod);  // meant for a node that is gone
    }
  }
  for (auto& [name, state] : nodes_)
    std::ranges::sort(state.pods, [](const pods::PodPtr& a, const pods::PodPtr& b) {
      if (a->spec.node_name.empty() != b->spec.node_name.empty()) return b->spec.node_name.empty();
      return a->metadata.creation_timestamp == b->metadata.creation_timestamp
                 ? a->metadata.name < b->metadata.name
                 : objects::before(a->metadata.creation_timestamp, b->metadata.creation_timestamp);
    });
}

int32_t Round::surge() const {
  const auto* rolling = seen_.set.spec.update_strategy.rolling_update.get();
  if (seen_.set.spec.update_strategy.type != "RollingUpdate" || rolling == nullptr || !rolling->max_surge) return 0;
  return objects::scaled_amount(*rolling->max_surge, desired_, true).value_or(0);
}

void Round::keep_one(const std::vector<pods::PodPtr>& running) {
  for (std::size_t i = 1; i < running.size(); ++i) remove(running[i]);
}

// While surging two pods may be on a node: an old one that serves, and a new one that does not yet.
void Round::keep_one_of_each(const std::vector<pods::PodPtr>& running) {
  pods::PodPtr fresh, old;
  for (const pods::PodPtr& pod : running) {
    pods::PodPtr& place = is_new(pod) ? fresh : old;
    if (place == nullptr) {
      place = pod;
    } else {
      remove(pod);
    }
  }
  if (fresh != nullptr && old != nullptr && (!rules::is_ready(*old) || available(fresh))) remove(old);
}

void Round::manage(const std::string& name, NodeState& node) {
  if (node.placement.should_run && node.pods.empty()) {
    if (plan_.create.size() < burst_max) plan_.create.push_back(name);
    return;
  }
  if (!node.placement.may_stay) {
    for (const pods::PodPtr& pod : node.pods)
      if (!pods::is_deleted(pod->metadata)) remove(pod);
    return;
  }
  std::vector<pods::PodPtr> running;
  for (const pods::PodPtr& pod : node.pods) {
    if (pods::is_deleted(pod->metadata)) continue;
    if (pod->status.phase == "Failed") {
      if (!seen_.waiting.contains(name)) remove(pod, "FailedDaemonPod");
    } else if (pod->status.phase == "Succeeded") {
      remove(pod, "SucceededDaemonPod");
    } else {
      running.push_back(pod);
    }
  }
  if (surge() == 0) return keep_one(running);
  if (running.empty() && node.placement.should_run && plan_.create.size() < burst_max) plan_.create.push_back(name);
  keep_one_of_each(running);
}

bool Round::new_and_old(const NodeState& node, pods::PodPtr& fresh, pods::PodPtr& old) const {
  for (const pods::PodPtr& pod : node.pods) {
    if (pods::is_deleted(pod->metadata)) continue;
    pods::PodPtr& place = is_new(pod) ? fresh : old;
    if (place != nullptr) return false;
    place = pod;
  }
  return true;
}

void Round::roll_in_place(int32_t max_unavailable) {
  int32_t unavailable = 0;
  std::vector<pods::PodPtr> candidates;
  for (auto& [name, node] : nodes_) {
    if (node.pods.empty() && !node.placement.should_run) continue;
    pods::PodPtr fresh, old;
    if (!new_and_old(node, fresh, old) || (fresh == nullptr) == (old == nullptr)) {
      ++unavailable;
    } else if (fresh != nullptr) {
      unavailable += !available(fresh);
    } else if (!available(old)) {
      ++unavailable;
      remove(old);  // serves nobody
    } else {
      candidates.push_back(old);
    }
  }
  for (const pods::PodPtr& pod : candidates) {
    if (unavailable >= max_unavailable) break;
    ++unavailable;
    remove(pod);
  }
}

void Round::roll_with_surge(int32_t max_surge) {
  int32_t surged = 0, serving = 0;
  std::vector<std::string> candidates;
  std::vector<pods::PodPtr> misplaced;  // they serve where the set is to run no more
  for (auto& [name, node] : nodes_) {
    pods::PodPtr fresh, old;
    if (!new_and_old(node, fresh, old)) {
      ++surged;
      continue;
    }
    if (const pods::PodPtr& one = old != nullptr ? old : fresh; one != nullptr) serving += available(one);
    if (old == nullptr) continue;
    if (fresh != nullptr) {
      if (available(fresh)) {
        remove(old);
      } else {
        ++surged;
      }
    } else if (!node.placement.should_run) {
      if (available(old)) {
        misplaced.push_back(old);
      } else {
        remove(old);
      }
    } else if (available(old)) {
      candidates.push_back(name);
    } else {
      plan_.create.push_back(name);
    }
  }
  for (const pods::PodPtr& pod : misplaced) {
    if (serving-- <= desired_) break;
    remove(pod);
  }
  for (const std::string& name : candidates) {
    if (surged >= max_surge || plan_.create.size() >= burst_max) break;
    ++surged;
    plan_.create.push_back(name);
  }
}

void Round::roll() {
  const auto* rolling = seen_.set.spec.update_strategy.rolling_update.get();
  if (seen_.set.spec.update_strategy.type != "RollingUpdate") return;
  if (const int32_t most = surge(); most > 0) return roll_with_surge(most);
  api::IntOrString one;
  one.int_value = 1;
  const int32_t unavailable = objects::scaled_amount(rolling ? rolling->max_unavailable.value_or(one) : one, desired_, true).value_or(1);
  roll_in_place(std::max(1, unavailable));
}

void Round::count() {
  auto& status = plan_.status;
  status = seen_.set.status;
  status.desired_number_scheduled = desired_;
  status.current_number_scheduled = status.number_misscheduled = status.number_ready = status.number_available = status.updated_number_scheduled = 0;
  for (const auto& [name, node] : nodes_) {
    if (node.pods.empty()) continue;
    if (!node.placement.should_run) {
      ++status.number_misscheduled;
      continue;
    }
    ++status.current_number_scheduled;
    // The oldest speaks for its node: a pod that surges beside it serves only once that one has gone.
    const pods::PodPtr& oldest = node.pods.front();
    status.number_ready += rules::is_ready(*oldest);
    status.number_available += available(oldest);
    status.updated_number_scheduled += is_new(oldest);
    for (const pods::PodPtr& pod : node.pods)
      if (const auto wait = pods::until_available(*pod, seen_.set.spec.min_ready_seconds, seen_.now))
        plan_.look_again = std::min(plan_.look_again.value_or(*wait), *wait);
  }
  status.number_unavailable = desired_ - status.number_available;
  status.observed_generation = seen_.set.metadata.generation;
}

Plan Round::run() {
  sort_pods();
  if (!seen_.set.metadata.deletion_timestamp) {
    for (auto& [name, node] : nodes_) manage(name, node);
    if (plan_.create.empty() && plan_.remove.empty()) roll();
  }
  count();
  return std::move(plan_);
}

}  // namespace

Plan plan_daemons(const Observed& observed) { return Round(observed).run(); }

}  // namespace pintle::controller::daemonset

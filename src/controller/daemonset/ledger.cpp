#include "controller/daemonset/ledger.h"

#include <algorithm>
#include <utility>

#include "base/check.h"

namespace pintle::controller::daemonset {

void Ledger::Sums::add(const NodeFacts& facts, int32_t sign) {
  const std::pair<int32_t*, bool> parts[] = {{&desired, facts.placement.should_run},
                                             {&scheduled, facts.scheduled},
                                             {&misscheduled, facts.misscheduled},
                                             {&ready, facts.ready},
                                             {&available, facts.available},
                                             {&updated, facts.updated},
                                             {&unavailable, facts.unavailable},
                                             {&surged, facts.surged},
                                             {&serving, facts.serving}};
  for (const auto& [sum, counts] : parts)
    if (counts) *sum += sign;
}

bool Ledger::is_concerned(const api::core_v1::Node& node) const {
  const auto it = entries_.find(node.metadata.name);
  return it == entries_.end() || placer_.place(node) != it->second.facts.placement;
}

uint16_t Ledger::place_of_hash(const std::string& hash) {
  auto it = std::ranges::find(hash_counts_, hash, &std::pair<std::string, int32_t>::first);
  if (it == hash_counts_.end()) it = std::ranges::find(hash_counts_, 0, &std::pair<std::string, int32_t>::second);  // one that no pod has any more
  if (it == hash_counts_.end()) it = hash_counts_.insert(it, {hash, 0});
  it->first = hash;
  return static_cast<uint16_t>(it - hash_counts_.begin());
}

std::vector<std::string> Ledger::hashes() const {
  std::vector<std::string> out;
  for (const auto& [hash, count] : hash_counts_)
    if (count > 0) out.push_back(hash);
  return out;
}

void Ledger::forget(const std::string& node, Entry& entry) {
  sums_.add(entry.facts, -1);
  if (entry.facts.acts) acting_.erase(node);
  if (entry.facts.roll != Roll::Nothing) rolling(entry.facts.roll).erase(node);
  if (entry.due != rt::TimePoint{}) due_.erase({entry.due, node});
  for (const uint16_t hash : entry.hashes) --hash_counts_[hash].second;
}

void Ledger::remember(const std::string& node, Entry& entry) {
  sums_.add(entry.facts, 1);
  if (entry.facts.acts) acting_.insert(node);
  if (entry.facts.roll != Roll::Nothing) rolling(entry.facts.roll).insert(node);
  if (entry.due != rt::TimePoint{}) due_.emplace(entry.due, node);
}

NodeView Ledger::view(const Observed& seen, const Terms& terms, const std::string& node) const {
  const NodePtr there = node.empty() ? nullptr : seen.node_named(node);
  const std::optional<Placement> placement = there ? std::optional(placer_.place(*there)) : std::nullopt;
  return {terms, placement, seen.pods_for(node), seen.failure_wait(node)};
}

void Ledger::look(const Observed& seen, const Terms& terms, const std::string& node) {
  ++looks_;
  const auto [it, fresh] = entries_.try_emplace(node);
  Entry& entry = it->second;
  if (!fresh) forget(node, entry);
  entry = {};
  const NodeView is = view(seen, terms, node);
  entry.facts = is.facts();
  if (const auto wait = is.look_again()) entry.due = seen.now + *wait;
  const auto pods = seen.pods_for(node);
  for (const pods::PodPtr& pod : pods)
    if (const std::string* hash = pod->metadata.labels.get(hash_label)) {
      entry.hashes.push_back(place_of_hash(*hash));
      ++hash_counts_[entry.hashes.back()].second;
    }
  remember(node, entry);
  if (pods.empty() && (node.empty() || seen.node_named(node) == nullptr)) {
    forget(node, entry);
    entries_.erase(it);
  }
}

void Ledger::look_at_marked(const Observed& seen) {
  while (!due_.empty() && due_.begin()->first <= seen.now) {
    std::string node = due_.begin()->second;
    due_.erase(due_.begin());
    entries_.at(node).due = {};
    mark(std::move(node));
  }
  const Terms is = terms(seen);
  for (const std::string& node : std::exchange(marked_, {})) look(seen, is, node);
}

void Ledger::create(const std::string& node, Plan& plan) {
  plan.create.push_back(node);
  mark(node);
}

void Ledger::act(const Observed& seen, Plan& plan) {
  const Terms is = terms(seen);
  for (const std::string& node : acting_) {
    if (!plan.has_room()) return;
    view(seen, is, node).act(node, plan);
    mark(node);
  }
}

void Ledger::remove_old(const Observed& seen, const std::string& node, Plan& plan) {
  const Terms is = terms(seen);
  pods::PodPtr pod = view(seen, is, node).old_one();
  CHECK(pod != nullptr, "a node that rolls has a pod");
  plan.remove.push_back({std::move(pod), {}});
  mark(node);
}

void Ledger::roll(const Observed& seen, Plan& plan) {
  for (const std::string& node : rolling(Roll::Now)) {
    if (!plan.has_room()) return;
    remove_old(seen, node, plan);
  }
  int32_t unavailable = sums_.unavailable;
  for (const std::string& node : rolling(Roll::InTurn)) {
    if (unavailable++ >= max_unavailable_of(seen.set, sums_.desired) || !plan.has_room()) break;
    remove_old(seen, node, plan);
  }
  for (const std::string& node : rolling(Roll::Beside)) {
    if (!plan.has_room()) return;
    create(node, plan);
  }
  int32_t serving = sums_.serving;
  for (const std::string& node : rolling(Roll::Misplaced)) {
    if (serving-- <= sums_.desired || !plan.has_room()) break;
    remove_old(seen, node, plan);
  }
  int32_t surged = sums_.surged;
  for (const std::string& node : rolling(Roll::Surge)) {
    if (surged++ >= surge_of(seen.set, sums_.desired) || !plan.has_room()) break;
    create(node, plan);
  }
}

void Ledger::count(const DaemonSet& set, Plan& plan) const {
  auto& status = plan.status;
  status = set.status;
  status.desired_number_scheduled = sums_.desired;
  status.current_number_scheduled = sums_.scheduled;
  status.number_misscheduled = sums_.misscheduled;
  status.number_ready = sums_.ready;
  status.number_available = sums_.available;
  status.updated_number_scheduled = sums_.updated;
  status.number_unavailable = sums_.desired - sums_.available;
  status.observed_generation = set.metadata.generation;
}

Plan Ledger::round(const Observed& seen) {
  look_at_marked(seen);
  if (const bool surging = surge_of(seen.set, sums_.desired) > 0; surging != surging_) {
    surging_ = surging;
    for (const auto& [node, entry] : entries_) mark(node);
    look_at_marked(seen);
  }
  Plan plan;
  act(seen, plan);
  if (!seen.set.metadata.deletion_timestamp && plan.create.empty() && plan.remove.empty()) roll(seen, plan);
  count(seen.set, plan);
  if (!due_.empty()) plan.look_again = due_.begin()->first - seen.now;
  return plan;
}

}  // namespace pintle::controller::daemonset

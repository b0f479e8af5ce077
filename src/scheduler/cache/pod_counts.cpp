#include "scheduler/cache/pod_counts.h"

#include <algorithm>

#include "apimachinery/selectors/demanded_label.h"
#include "base/check.h"

namespace pintle::scheduler::cache {

namespace {

using apimachinery::demanded_label;
using apimachinery::LabelSelector;

constexpr char separator = '\0';

std::string key_of(const std::string& namespace_name, const LabelSelector& selector) { return namespace_name + separator + selector.to_string(); }
std::string place_of(const std::string& namespace_name, std::string_view key, std::string_view value) {
  return namespace_name + separator + std::string(key) + separator + std::string(value);
}
// Only pods with one certain label can match: the groups that a pod may be in are few.
std::string place_of(const std::string& namespace_name, const LabelSelector& selector) {
  if (const auto label = demanded_label(selector)) return place_of(namespace_name, label->first, label->second);
  return namespace_name;
}

bool counts_in(const NodeInfo& node, const std::vector<std::string>& wanted) {
  return node.node && std::ranges::all_of(wanted, [&](const std::string& label) { return node.node->metadata.labels.contains(label); });
}

}  // namespace

void DomainCounts::add(const std::string& domain, int64_t pods) {
  const auto [it, fresh] = counts_.try_emplace(domain, 0);
  if (fresh && there_ && !there_->contains(domain)) ++others_;
  if (!fresh && pods == 0) return;
  if (!fresh)
    if (const auto before = with_.find(it->second); --before->second == 0) with_.erase(before);
  it->second += pods;
  ++with_[it->second];
}

int64_t DomainCounts::of(const std::string& domain) const {
  const auto it = counts_.find(domain);
  return it == counts_.end() ? 0 : it->second;
}

bool PodGroup::finds(const PlacedPod& pod) const { return !pod.going && pod.namespace_name() == namespace_ && selector_.matches(pod.labels()); }

PodGroup* PodCounts::find(const std::string& namespace_name, const LabelSelector& selector) {
  CHECK(!selector.matches_nothing() && !selector.matches_everything(), "a selector with requirements");
  const auto it = groups_.find(key_of(namespace_name, selector));
  if (it == groups_.end()) return nullptr;
  used_.splice(used_.begin(), used_, it->second->used_);
  return it->second.get();
}

PodGroup& PodCounts::make(const std::string& namespace_name, const LabelSelector& selector, const PodsByLabel& pods) {
  std::string key = key_of(namespace_name, selector);
  if (groups_.size() >= groups_max) forget_oldest();
  auto made = std::make_unique<PodGroup>();
  PodGroup& group = *made;
  group.namespace_ = namespace_name;
  group.selector_ = selector;
  pods.each_matching(namespace_name, selector, [&group](const PodsByLabel::Alike& alike) {
    for (const auto& [node, count] : alike.on_node)
      if (count.all > count.going) group.on_node_[node] += count.all - count.going;
  });
  group.place_ = place_of(namespace_name, selector);
  index_[group.place_].push_back(&group);
  used_.push_front(key);
  group.used_ = used_.begin();
  groups_.emplace(std::move(key), std::move(made));
  return group;
}

std::shared_ptr<const DomainCounts> PodCounts::domains(PodGroup& group, const std::string& key, std::vector<std::string> wanted, const Nodes& nodes) {
  for (const PodGroup::Domains& known : group.domains_)
    if (known.key == key && known.wanted == wanted) return known.counts;
  if (there_.size() >= domain_sets_max) there_.clear();
  auto& there = there_[{key, wanted}];
  if (!there) {
    auto all = std::make_shared<DomainCounts::Domains>();
    for (const NodeInfo* node : nodes)
      if (counts_in(*node, wanted)) all->insert(*node->node->metadata.labels.get(key));
    there = std::move(all);
  }
  auto counts = std::make_shared<DomainCounts>(there);
  for (const auto& [node, pods] : group.on_node_)
    if (counts_in(*node, wanted)) counts->add(*node->node->metadata.labels.get(key), pods);
  if (group.domains_.size() >= domains_max) group.domains_.erase(group.domains_.begin());
  group.domains_.push_back({key, std::move(wanted), counts});
  return counts;
}

void PodCounts::change(const PlacedPod& pod, const NodeInfo& node, int32_t delta) {
  if (pod.going || groups_.empty()) return;
  const auto change_at = [&](const std::string& place) {
    const auto at = index_.find(place);
    if (at == index_.end()) return;
    for (PodGroup* group : at->second) {
      if (!group->finds(pod)) continue;
      const auto it = group->on_node_.try_emplace(&node, 0).first;
      if ((it->second += delta) == 0) group->on_node_.erase(it);
      for (const PodGroup::Domains& domains : group->domains_)
        if (counts_in(node, domains.wanted)) domains.counts->add(*node.node->metadata.labels.get(domains.key), delta);
    }
  };
  change_at(pod.namespace_name());
  for (const auto& [label, value] : pod.labels()) change_at(place_of(pod.namespace_name(), label, value));
}

void PodCounts::forget_domains() {
  there_.clear();
  for (const auto& [key, group] : groups_) group->domains_.clear();
}

void PodCounts::forget_oldest() {
  const auto it = groups_.find(used_.back());
  const auto at = index_.find(it->second->place_);
  std::erase(at->second, it->second.get());
  if (at->second.empty()) index_.erase(at);
  groups_.erase(it);
  used_.pop_back();
}

}  // namespace pintle::scheduler::cache

#include "scheduler/cache/cache.h"

#include <algorithm>

#include "base/check.h"
#include "scheduler/framework/metrics.h"

namespace pintle::scheduler::cache {

std::string zone_key(const Node& node) {
  const auto& labels = node.metadata.labels;
  const auto label = [&labels](std::string_view name, std::string_view older) {
    const std::string* value = labels.get(name);
    if (value == nullptr) value = labels.get(older);
    return value == nullptr ? std::string() : *value;
  };
  const std::string region = label("topology.kubernetes.io/region", "failure-domain.beta.kubernetes.io/region");
  const std::string zone = label("topology.kubernetes.io/zone", "failure-domain.beta.kubernetes.io/zone");
  if (region.empty() && zone.empty()) return "";
  return region + std::string(":\0:", 3) + zone;
}

Cache::Cache(SchedulerMetrics* metrics) {
  if (metrics == nullptr) return;
  node_gauge_ = &metrics->cache_size.with({"nodes"});
  pod_gauge_ = &metrics->cache_size.with({"pods"});
  assumed_gauge_ = &metrics->cache_size.with({"assumed_pods"});
}

void Cache::tell_sizes() const {
  if (node_gauge_ == nullptr) return;
  node_gauge_->set(static_cast<double>(by_name_.size()));
  pod_gauge_->set(static_cast<double>(pods_.size()));
  assumed_gauge_->set(static_cast<double>(assumed_count_));
}

NodeInfo& Cache::at(const std::string& name) {
  const auto entry = by_name_.try_emplace(name).first;
  auto& slot = entry->second;
  if (slot) return *slot;
  slot = std::make_unique<NodeInfo>();
  slot->known_as = &entry->first;
  if (free_slots_.empty()) {
    slot->slot = static_cast<uint32_t>(by_slot_.size());
    by_slot_.push_back(slot.get());
  } else {
    slot->slot = free_slots_.back();
    free_slots_.pop_back();
    by_slot_[slot->slot] = slot.get();
  }
  return *slot;
}

void Cache::erase(ByName::iterator it) {
  by_slot_[it->second->slot] = nullptr;
  free_slots_.push_back(it->second->slot);
  by_name_.erase(it);
}

void Cache::set_node(NodeInfo& info, NodePtr node) {
  nodes_with_prefer_taints_ -= static_cast<std::size_t>(info.has_prefer_taints);
  info.set_node(std::move(node));
  nodes_with_prefer_taints_ += static_cast<std::size_t>(info.has_prefer_taints);
}

void Cache::touch_all() {
  for (const auto& [name, info] : by_name_) changed(*info);
}

void Cache::touch(const std::string& node) {
  if (auto it = by_name_.find(node); it != by_name_.end()) changed(*it->second);
}

// Keeps the counts of nodes with affinity right over a change of one node's pods.
template <class Change>
void Cache::changing(NodeInfo& info, Change change) {
  const auto tally = [&](bool leave) {
    const bool affinity = info.pods_with_affinity > 0, anti = info.pods_with_required_anti_affinity > 0;
    nodes_with_affinity_ += leave ? -static_cast<std::size_t>(affinity) : static_cast<std::size_t>(affinity);
    nodes_with_required_anti_affinity_ += leave ? -static_cast<std::size_t>(anti) : static_cast<std::size_t>(anti);
  };
  tally(true);
  change();
  tally(false);
  changed(info);
}

void Cache::set_images(NodeInfo& info) {
  for (const auto& image : info.node->status.images)
    for (const std::string& name : image.names) {
      ImageState& state = images_[name];
      if (state.node_count == 0) state.size_bytes = image.size_bytes;
      if (std::ranges::find(info.images, &state) != info.images.end()) continue;
      ++state.node_count;
      info.images.push_back(&state);
    }
  std::ranges::sort(info.images);
}

void Cache::clear_images(NodeInfo& info) {
  if (!info.node) return;
  for (const auto& image : info.node->status.images)
    for (const std::string& name : image.names) {
      auto it = images_.find(name);
      if (it == images_.end() || !info.has_image(&it->second)) continue;
      std::erase(info.images, &it->second);
      if (--it->second.node_count == 0) images_.erase(it);
    }
}

void Cache::add_node(NodePtr node) {
  NodeInfo& info = at(node->metadata.name);
  if (!info.node) arrival_.push_back(node->metadata.name);
  if (!info.node || zone_key(*info.node) != zone_key(*node)) order_is_stale_ = true;
  const bool same_images =
      info.node && std::ranges::equal(info.node->status.images, node->status.images, [](const auto& a, const auto& b) { return a.names == b.names; });
  if (!same_images) clear_images(info);
  const bool relabelled = !info.node || info.node->metadata.labels != node->metadata.labels;
  if (relabelled) {
    counts_.forget_domains();
    if (!info.pods.empty()) affinity_.forget_domains();
  }
  set_node(info, std::move(node));
  if (relabelled) columns_.change(info, true);
  if (!same_images) set_images(info);
  changed(info);
  tell_sizes();
}

void Cache::remove_node(const std::string& name) {
  auto it = by_name_.find(name);
  if (it == by_name_.end() || !it->second->node) return;
  clear_images(*it->second);
  set_node(*it->second, nullptr);
  columns_.change(*it->second, false);
  counts_.forget_domains();
  if (!it->second->pods.empty()) affinity_.forget_domains();
  std::erase(arrival_, name);
  order_is_stale_ = true;
  changed(*it->second);
  // Its pods are told to be gone one by one; until then their place stays.
  if (it->second->pods.empty()) erase(it);
  tell_sizes();
}

void Cache::put(PlacedPodPtr pod, const std::string& node, bool assumed) {
  NodeInfo& info = at(node);
  changing(info, [&] { info.add_pod(pod); });
  by_label_.change(*pod, info, 1);
  counts_.change(*pod, info, 1);
  affinity_.change(*pod, info, 1);
  assumed_count_ += static_cast<std::size_t>(assumed);
  const std::string_view uid = pod->uid();
  pods_.emplace(uid, PodState{std::move(pod), &info, assumed});
}

void Cache::detach(const PodState& state) {
  const PlacedPod& pod = *state.pod;
  NodeInfo& info = *state.node;
  if (state.assumed) --assumed_count_;
  changing(info, [&] { CHECK(info.remove_pod(pod.uid()), "a pod of the cache is on its node"); });
  by_label_.change(pod, info, -1);
  counts_.change(pod, info, -1);
  affinity_.change(pod, info, -1);
  if (!info.node && info.pods.empty()) erase(by_name_.find(*info.known_as));
}

PlacedPodPtr Cache::add_pod(const Pod& pod) {
  const auto before = pods_.find(std::string_view(pod.metadata.uid));
  auto placed = std::make_shared<const PlacedPod>(pod, table_, before == pods_.end() ? nullptr : before->second.pod.get());
  if (before != pods_.end()) {
    auto known = pods_.extract(before);
    PodState& state = known.mapped();
    if (*state.node->known_as == pod.spec.node_name && state.pod->is_like(*placed)) {
      CHECK(state.node->replace_pod(placed), "a pod of the cache is on its node");
      assumed_count_ -= static_cast<std::size_t>(state.assumed);
      state = {placed, state.node, false};
      known.key() = placed->uid();
      pods_.insert(std::move(known));
      tell_sizes();
      return placed;
    }
    detach(state);
  }
  put(placed, pod.spec.node_name, false);
  tell_sizes();
  return placed;
}

void Cache::remove_pod(const std::string& uid) {
  const auto known = pods_.extract(std::string_view(uid));
  if (!known) return;
  detach(known.mapped());
  tell_sizes();
}

void Cache::assume(PlacedPodPtr pod, const std::string& node) {
  CHECK(!pods_.contains(pod->uid()), "a pod is assumed once");
  put(std::move(pod), node, true);
  tell_sizes();
}

void Cache::forget(const std::string& uid) {
  if (is_assumed(uid)) remove_pod(uid);
}

bool Cache::is_assumed(const std::string& uid) const {
  auto it = pods_.find(uid);
  return it != pods_.end() && it->second.assumed;
}

std::string Cache::node_of(const std::string& uid) const {
  auto it = pods_.find(uid);
  return it == pods_.end() ? std::string() : *it->second.node->known_as;
}

PlacedPodPtr Cache::find_pod(const std::string& uid) const {
  auto it = pods_.find(uid);
  return it == pods_.end() ? nullptr : it->second.pod;
}

void Cache::order() const {
  std::vector<std::vector<NodeInfo*>> zones;
  std::map<std::string, std::size_t> zone_of;
  for (const std::string& name : arrival_) {
    NodeInfo* info = by_name_.at(name).get();
    auto [it, fresh] = zone_of.emplace(zone_key(*info->node), zones.size());
    if (fresh) zones.emplace_back();
    zones[it->second].push_back(info);
  }
  order_.clear();
  order_slots_.clear();
  for (std::size_t round = 0; order_.size() < arrival_.size(); ++round)
    for (auto& zone : zones)
      if (round < zone.size()) {
        zone[round]->index = order_.size();
        order_.push_back(zone[round]);
        order_slots_.push_back(zone[round]->slot);
      }
  order_is_stale_ = false;
}

const std::vector<const NodeInfo*>& Cache::nodes() const {
  if (order_is_stale_) order();
  return order_;
}

const std::vector<uint32_t>& Cache::slots() const {
  if (order_is_stale_) order();
  return order_slots_;
}

PodGroup& Cache::group(const std::string& namespace_name, const apimachinery::LabelSelector& selector) const {
  if (PodGroup* known = counts_.find(namespace_name, selector)) return *known;
  return counts_.make(namespace_name, selector, by_label_);
}

AffinityGroup& Cache::matching(std::span<const AffinityTerm> terms) const {
  if (AffinityGroup* known = affinity_.find(terms)) return *known;
  return affinity_.make(terms, by_label_);
}

const NodeInfo* Cache::find(const std::string& name) const {
  auto it = by_name_.find(name);
  return it == by_name_.end() || !it->second->node ? nullptr : it->second.get();
}

const ImageState* Cache::image(const std::string& name) const {
  auto it = images_.find(name);
  return it == images_.end() ? nullptr : &it->second;
}

}  // namespace pintle::scheduler::cache

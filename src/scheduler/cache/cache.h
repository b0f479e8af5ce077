// Cache: the nodes and the pods on them as scheduling sees them: those that the API server knows, and those that are
// assumed: decided, and perhaps not yet bound. Belongs to the scheduler's executor. A scheduling cycle does not wait between
// its first filter and assume(), so it reads the cache itself: there is no snapshot to copy.
#pragma once

#include <map>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "component/metrics.h"
#include "scheduler/cache/affinity_counts.h"
#include "scheduler/cache/change_order.h"
#include "scheduler/cache/domain_columns.h"
#include "scheduler/cache/pod_counts.h"
#include "scheduler/cache/pods_by_label.h"
#include "scheduler/framework/node_info.h"
#include "scheduler/framework/pod_table.h"

namespace pintle::scheduler {
struct SchedulerMetrics;
}  // namespace pintle::scheduler

namespace pintle::scheduler::cache {

class Cache {
 public:
  // `metrics` is told how many nodes and pods there are.
  explicit Cache(SchedulerMetrics* metrics = nullptr);

  void add_node(NodePtr node);  // or its new state
  void remove_node(const std::string& name);

  // The pod is on spec.nodeName, or has a new state there. Confirms an assumed one, wherever that was. A state that scheduling cannot tell from the
  // one before is no change of the node.
  PlacedPodPtr add_pod(const Pod& pod);
  void remove_pod(const std::string& uid);
  // The pod will be on `node`. CHECK: it is not in the cache.
  void assume(PlacedPodPtr pod, const std::string& node);
  // An assumed pod that is not going to be bound. No effect on a confirmed one.
  void forget(const std::string& uid);
  // What pods have in common; those that are made with it are confirmed at no cost.
  PodTable& table() { return table_; }
  bool is_assumed(const std::string& uid) const;
  bool has_pod(const std::string& uid) const { return pods_.contains(uid); }
  PlacedPodPtr find_pod(const std::string& uid) const;  // nullptr: it is not here
  // The node that the pod has, or is assumed to get; "": the pod is not here.
  std::string node_of(const std::string& uid) const;
  std::size_t assumed_count() const { return assumed_count_; }
  std::size_t pod_count() const { return pods_.size(); }

  // Known nodes, alternating over the zones as upstream's, so that a partial search sees every zone.
  const std::vector<const NodeInfo*>& nodes() const;
  // Their slots, in the same order.
  const std::vector<uint32_t>& slots() const;
  // One more than the highest slot. nullptr: no known node is there.
  std::size_t slot_count() const { return by_slot_.size(); }
  const NodeInfo* at_slot(uint32_t slot) const { return by_slot_[slot] != nullptr && by_slot_[slot]->node ? by_slot_[slot] : nullptr; }
  // The slots where something changed after `generation`, a node that went among them.
  template <class Visit>
  void each_changed_since(uint64_t generation, Visit visit) const {
    changes_.each_since(generation, visit);
  }
  uint64_t changed_at(uint32_t slot) const { return changes_.at(slot); }
  // Something outside of the cache counts for the node: pods that are nominated to it.
  void touch(const std::string& node);
  // The same of all nodes.
  void touch_all();
  // nullptr: unknown.
  const NodeInfo* find(const std::string& name) const;
  // nullptr: no node has it. `name` as nodes tell it.
  const ImageState* image(const std::string& name) const;
  // Nodes with pods that have (anti-)affinity terms; nodes with required anti-affinity.
  std::size_t nodes_with_affinity() const { return nodes_with_affinity_; }
  std::size_t nodes_with_required_anti_affinity() const { return nodes_with_required_anti_affinity_; }
  const PodsByLabel& pods_by_label() const { return by_label_; }
  // What PodCounts says of the known nodes. CHECK: the selector has requirements. Valid until the next question.
  PodGroup& group(const std::string& namespace_name, const apimachinery::LabelSelector& selector) const;
  std::shared_ptr<const DomainCounts> domains(PodGroup& group, const std::string& key, std::vector<std::string> wanted) const {
    return counts_.domains(group, key, std::move(wanted), nodes());
  }
  // The known nodes' values of a label, by slot.
  std::shared_ptr<const DomainColumn> domain_column(const std::string& key) const { return columns_.of(key, nodes()); }
  // What affinity between pods asks. A question may make it count something, which is why a constant cache answers.
  AffinityCounts& affinity() const { return affinity_; }
  // The pods on known nodes that match every one of `terms`. Valid until the next question.
  AffinityGroup& matching(std::span<const AffinityTerm> terms) const;
  // Nodes with a PreferNoSchedule taint.
  std::size_t nodes_with_prefer_taints() const { return nodes_with_prefer_taints_; }
  // Rises with each change of a node or its pods, or of what is nominated.
  uint64_t generation() const { return generation_; }

 private:
  struct PodState {
    PlacedPodPtr pod;
    NodeInfo* node = nullptr;
    bool assumed = false;
  };
  NodeInfo& at(const std::string& name);
  using ByName = std::unordered_map<std::string, std::unique_ptr<NodeInfo>>;
  void erase(ByName::iterator it);
  void changed(const NodeInfo& info) { changes_.touch(info.slot, ++generation_); }
  void set_node(NodeInfo& info, NodePtr node);
  void put(PlacedPodPtr pod, const std::string& node, bool assumed);
  void detach(const PodState& state);
  void set_images(NodeInfo& info);
  void clear_images(NodeInfo& info);
  void order() const;
  void tell_sizes() const;
  template <class Change>
  void changing(NodeInfo& info, Change change);

  ByName by_name_;
  std::vector<NodeInfo*> by_slot_;
  std::vector<uint32_t> free_slots_;
  ChangeOrder changes_;
  PodTable table_;
  std::unordered_map<std::string_view, PodState> pods_;  // by uid, which the pod has
  std::unordered_map<std::string, ImageState> images_;
  PodsByLabel by_label_;
  mutable PodCounts counts_;
  mutable AffinityCounts affinity_;
  mutable DomainColumns columns_;
  mutable std::vector<const NodeInfo*> order_;
  mutable std::vector<uint32_t> order_slots_;
  mutable bool order_is_stale_ = false;
  std::vector<std::string> arrival_;  // node names, oldest first
  std::size_t assumed_count_ = 0;
  std::size_t nodes_with_affinity_ = 0;
  std::size_t nodes_with_required_anti_affinity_ = 0;
  std::size_t nodes_with_prefer_taints_ = 0;
  uint64_t generation_ = 0;
  component::metrics::Gauge* node_gauge_ = nullptr;  // the three of them, or none
  component::metrics::Gauge* pod_gauge_ = nullptr;
  component::metrics::Gauge* assumed_gauge_ = nullptr;
};

// "region:\0:zone" of the node's labels; "" without either.
std::string zone_key(const Node& node);

}  // namespace pintle::scheduler::cache

// PodCounts: how many pods of a namespace a selector finds on each node, and in each domain of a topology key. A pair of namespace and
// selector that is asked for is counted once, where pods with its label are (pods_by_label.h), and kept right by every pod that comes and goes from
// then on. Pods on their way out do not count. Belongs to the scheduler's executor.
#pragma once

#include <cstdint>
#include <functional>
#include <list>
#include <map>
#include <memory>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <utility>
#include <vector>

#include "apimachinery/selectors/label_selector.h"
#include "scheduler/cache/pods_by_label.h"
#include "scheduler/framework/node_info.h"

namespace pintle::scheduler::cache {

// Pods by domain, with the least of them at hand. Domains that are there and have none may be named once for all counts (`there`).
class DomainCounts {
 public:
  using Domains = std::unordered_set<std::string>;
  DomainCounts() = default;
  explicit DomainCounts(std::shared_ptr<const Domains> there) : there_(std::move(there)) {}
  void add(const std::string& domain, int64_t pods);  // the domain is there from now on, with 0 too
  int64_t of(const std::string& domain) const;        // 0: also where there is no such domain
  std::size_t size() const { return there_ ? there_->size() + others_ : counts_.size(); }
  bool contains(const std::string& domain) const { return counts_.contains(domain) || (there_ && there_->contains(domain)); }
  int64_t least() const {
    if (counts_.size() < size()) return 0;
    return with_.empty() ? INT64_MAX : with_.begin()->first;
  }

 private:
  std::shared_ptr<const Domains> there_;
  std::size_t others_ = 0;  // in counts_, and not among those
  std::unordered_map<std::string, int64_t> counts_;
  std::map<int64_t, int64_t> with_;  // how many domains have so many pods
};

class PodGroup {
 public:
  int64_t on(const NodeInfo& node) const {
    const auto it = on_node_.find(&node);
    return it == on_node_.end() ? 0 : it->second;
  }
  std::size_t nodes() const { return on_node_.size(); }
  // Calls `visit` with the nodes that have such pods, and how many.
  template <class Visit>
  void each(Visit visit) const {
    for (const auto& [node, pods] : on_node_) visit(*node, pods);
  }

 private:
  friend class PodCounts;
  struct Domains {
    std::string key;
    std::vector<std::string> wanted;  // labels that a node needs to count
    std::shared_ptr<DomainCounts> counts;
  };
  bool finds(const PlacedPod& pod) const;

  std::string namespace_;
  apimachinery::LabelSelector selector_;
  std::unordered_map<const NodeInfo*, int64_t> on_node_;
  std::vector<Domains> domains_;
  std::string place_;  // in the index of groups
  std::list<std::string>::iterator used_;
};

class PodCounts {
 public:
  static constexpr std::size_t groups_max = 4096;  // then the one that was not asked for longest is forgotten
  static constexpr std::size_t domains_max = 16;   // of a group: its pods may name any key; then the oldest are forgotten
  using Nodes = std::vector<const NodeInfo*>;

  // nullptr: not counted so far. CHECK: the selector has requirements.
  PodGroup* find(const std::string& namespace_name, const apimachinery::LabelSelector& selector);
  // Counts those of `pods`. Valid until the next call.
  PodGroup& make(const std::string& namespace_name, const apimachinery::LabelSelector& selector, const PodsByLabel& pods);
  // The domains of `key` over those of `nodes` that have all labels of `wanted` (sorted), of which `key` is one.
  std::shared_ptr<const DomainCounts> domains(PodGroup& group, const std::string& key, std::vector<std::string> wanted, const Nodes& nodes);

  // `node` got or lost the pod.
  void change(const PlacedPod& pod, const NodeInfo& node, int32_t delta);
  // Nodes came, went or changed their labels: domains are counted anew when asked for.
  void forget_domains();
  std::size_t size() const { return groups_.size(); }

 private:
  static constexpr std::size_t domain_sets_max = 64;
  void forget_oldest();
  std::unordered_map<std::string, std::unique_ptr<PodGroup>> groups_;  // by namespace and selector
  std::unordered_map<std::string, std::vector<PodGroup*>> index_;      // by namespace and, where there is one, a label that is demanded
  std::list<std::string> used_;                                        // the last one first
  std::map<std::pair<std::string, std::vector<std::string>>, std::shared_ptr<const DomainCounts::Domains>> there_;  // by key and wanted labels
};

}  // namespace pintle::scheduler::cache

// AffinityCounts: what affinity between pods asks of all pods, kept by increments: the pods that match terms, and the pods that have a term, by node
// and by the domains of a topology key. Who matches is counted once when it is first asked for, where pods with its labels are, who has what from the
// first pod on; both are kept right by every pod that comes and goes. Pods on their way out count. Belongs to the scheduler's executor.
#pragma once

#include <algorithm>
#include <cstdint>
#include <functional>
#include <list>
#include <memory>
#include <span>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "scheduler/cache/domain_columns.h"
#include "scheduler/cache/pods_by_label.h"
#include "scheduler/framework/node_info.h"

namespace pintle::scheduler::cache {

// Pods by the value of a node label, as the column numbers it. Values without pods are not there.
class DomainTally {
 public:
  explicit DomainTally(std::shared_ptr<const DomainColumn> column) : column_(std::move(column)) {}
  void add(uint32_t domain, int64_t pods);  // of `none` no effect
  int64_t of(uint32_t domain) const {
    const auto it = counts_.find(domain);
    return it == counts_.end() ? 0 : it->second;
  }
  int64_t of(const std::string& value) const { return of(column_->find(value)); }
  int64_t total() const { return total_; }
  const std::shared_ptr<const DomainColumn>& column() const { return column_; }
  // Adds `weight` for each pod of a node's domain to the node's score. `scratch` is anything, and lent.
  void add_to(std::span<int64_t> scores, std::span<const uint32_t> slots, int64_t weight, DomainNumbers<int64_t>& scratch) const;

 private:
  std::shared_ptr<const DomainColumn> column_;
  std::unordered_map<uint32_t, int64_t> counts_;
  int64_t total_ = 0;
};

// Pods of one sort, over the known nodes.
class AffinityGroup {
 public:
  static constexpr std::size_t domains_max = 16;  // pods may name any key; then the oldest is forgotten
  // By the values of that column's label of their nodes; it goes on changing with them as long as the column does.
  std::shared_ptr<const DomainTally> domains(const std::shared_ptr<const DomainColumn>& column);
  bool empty() const { return on_node_.empty(); }

 private:
  friend class AffinityCounts;
  void change(const NodeInfo& node, int64_t delta);

  std::unordered_map<const NodeInfo*, int64_t> on_node_;
  std::vector<std::shared_ptr<DomainTally>> domains_;
};

enum class TermKind : uint8_t { RequiredAffinity, RequiredAnti, PreferredAffinity, PreferredAnti };
constexpr std::size_t term_kinds = 4;

class AffinityCounts {
 public:
  static constexpr std::size_t groups_max = 4096;  // of pods that match; then the one that was not asked for longest is forgotten
  using NamespaceLabels = std::function<const FlatMap<std::string>*(const std::string& namespace_name)>;  // nullptr: unknown

  // Where the labels of namespaces are found. None: they have none.
  void set_namespaces(NamespaceLabels labels) { namespace_labels_ = std::move(labels); }
  // Labels of namespaces changed: who is chosen by them is counted anew when asked for.
  void forget_namespaces();
  // Nodes with pods came, went or changed their labels: the same for domains.
  void forget_domains();
  // `node` got or lost the pod.
  void change(const PlacedPod& pod, const NodeInfo& node, int64_t delta);

  // The pods that match every one of `terms`; nullptr: not counted so far. Valid until the next call.
  AffinityGroup* find(std::span<const AffinityTerm> terms);
  // Counts those of `pods`.
  AffinityGroup& make(std::span<const AffinityTerm> terms, const PodsByLabel& pods);
  // The terms of that kind that pods have and that `pod` matches, with the pods that have them.
  void each_having(TermKind kind, const PlacedPod& pod, const std::function<void(const AffinityTerm& term, AffinityGroup& pods)>& visit) const;
  bool matches(const AffinityTerm& term, const PodLabels& pod) const { return matches(term, pod.namespace_name, pod.labels); }
  bool matches(const AffinityTerm& term, const PlacedPod& pod) const { return matches(term, *pod.identity); }
  bool matches(const AffinityTerm& term, const Pod& pod) const { return matches(term, pod.metadata.namespace_, pod.metadata.labels); }
  template <class PodKind>
  bool matches_all(std::span<const AffinityTerm> terms, const PodKind& pod) const {
    return !terms.empty() && std::ranges::all_of(terms, [&](const AffinityTerm& term) { return matches(term, pod); });
  }
  std::size_t size() const {
    return matching_.size() + having_[0].terms.size() + having_[1].terms.size() + having_[2].terms.size() + having_[3].terms.size();
  }

 private:
  struct Matching {
    std::vector<AffinityTerm> terms;
    AffinityGroup pods;
    std::string place;
    std::list<std::string>::iterator used;
  };
  struct Having {
    AffinityTerm term;
    AffinityGroup pods;
    std::string place;
  };
  // Places: a label that whoever matches must have; "" where there is none.
  struct Terms {
    std::unordered_map<std::string, std::unique_ptr<Having>> terms;
    std::unordered_map<std::string, std::vector<Having*>> index;
  };
  bool matches(const AffinityTerm& term, const std::string& namespace_name, const FlatMap<std::string>& labels) const;
  bool covers(const AffinityTerm& term, const std::string& namespace_name) const;
  void change_having(TermKind kind, const AffinityTerm& term, const NodeInfo& node, int64_t delta);
  void forget_matching(const std::string& key);

  NamespaceLabels namespace_labels_;
  std::unordered_map<std::string, std::unique_ptr<Matching>> matching_;
  std::unordered_map<std::string, std::vector<Matching*>> index_;
  std::list<std::string> used_;  // of matching_, the last one first
  Terms having_[term_kinds];
};

}  // namespace pintle::scheduler::cache

// PodsByLabel: the pods of the cache by their labels: how many on each node have exactly these, found through any one of them. What a selector that
// is new finds costs what has its rarest label, each set of labels looked at once however many pods have it. Belongs to the scheduler's executor.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "apimachinery/selectors/demanded_label.h"
#include "base/text_map.h"
#include "scheduler/framework/node_info.h"

namespace pintle::scheduler::cache {

class PodsByLabel {
 public:
  struct Count {
    int32_t all = 0;
    int32_t going = 0;  // of them, those on their way out
  };
  // The pods of one namespace that have the same labels.
  struct Alike {
    PodLabelsPtr identity;
    std::unordered_map<const NodeInfo*, Count> on_node;

   private:
    friend class PodsByLabel;
    std::vector<uint32_t> places;  // in the list of its namespace, and in that of each label
  };

  // `node` got or lost the pod.
  void change(const PlacedPod& pod, const NodeInfo& node, int32_t delta);

  // Calls `visit` with the sets in the namespace that the selector matches.
  template <class Visit>
  void each_matching(std::string_view namespace_name, const apimachinery::LabelSelector& selector, Visit visit) const {
    const auto in = namespaces_.find(namespace_name);
    if (in == namespaces_.end()) return;
    if (const List* list = narrowest(in->second, selector))
      for (const Entry& entry : *list)
        if (selector.matches(entry.alike->identity->labels)) visit(*entry.alike);
  }
  // Calls `visit` with the namespaces that have pods.
  template <class Visit>
  void each_namespace(Visit visit) const {
    for (const auto& [name, in] : namespaces_) visit(name);
  }
  std::size_t size() const { return alike_.size(); }

 private:
  struct Entry {
    Alike* alike;
    uint32_t which;  // of its places
  };
  using List = std::vector<Entry>;
  struct Namespace {
    List all;
    TextMap<List> by_label;  // key and value
  };
  static const List* narrowest(const Namespace& in, const apimachinery::LabelSelector& selector);
  static void add(List& list, Alike& alike);
  static void remove(List& list, const Alike& alike, std::size_t which);
  void enter(Alike& alike);
  void leave(const Alike& alike);

  std::unordered_map<const PodLabels*, Alike> alike_;
  TextMap<Namespace> namespaces_;
};

}  // namespace pintle::scheduler::cache

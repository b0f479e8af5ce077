// Node selectors, compiled: terms of requirements on a node's labels and name. A term that does not parse matches nothing.
#pragma once

#include <set>
#include <string>
#include <vector>

#include "apimachinery/selectors/label_selector.h"
#include "scheduler/framework/pod_info.h"

namespace pintle::scheduler {

class NodeSelectorTerm {
 public:
  explicit NodeSelectorTerm(const api::core_v1::NodeSelectorTerm& term);
  bool matches(const Node& node) const;
  // The first requirement that did not parse; "": none.
  const std::string& problem() const { return problem_; }

 private:
  std::vector<apimachinery::LabelRequirement> labels_;
  std::vector<api::core_v1::NodeSelectorRequirement> fields_;
  std::string problem_;
  bool empty_ = false;  // a term without requirements matches nothing
};

// Any of its terms.
class NodeSelector {
 public:
  explicit NodeSelector(const api::core_v1::NodeSelector& selector);
  bool matches(const Node& node) const;

 private:
  std::vector<NodeSelectorTerm> terms_;
};

// What a pod demands of its node: spec.nodeSelector and the required node affinity.
class RequiredNodeAffinity {
 public:
  RequiredNodeAffinity() = default;
  explicit RequiredNodeAffinity(const Pod& pod);
  bool matches(const Node& node) const;
  bool matches_everything() const { return labels_.empty() && !has_terms_; }

 private:
  FlatMap<std::string> labels_;
  std::vector<NodeSelectorTerm> terms_;
  bool has_terms_ = false;
};

}  // namespace pintle::scheduler

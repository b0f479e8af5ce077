// Which nodes a node selector picks: terms of requirements on a node's labels and name. Compiled once where it meets many
// nodes, made and used at once where it meets one. A term that does not parse matches nothing. Pure.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "api/gen/core_v1.h"
#include "apimachinery/selectors/label_selector.h"

namespace pintle::rules {

// One term: all of its expressions and fields. Expressions are In, NotIn, Exists, DoesNotExist, Gt and Lt; fields are In and NotIn of
// exactly one value, and metadata.name is the one field that a node has.
class NodeSelectorTerm {
 public:
  explicit NodeSelectorTerm(const api::core_v1::NodeSelectorTerm& term);
  bool matches(const api::core_v1::Node& node) const { return matches(node.metadata.labels, node.metadata.name); }
  bool matches(const FlatMap<std::string>& labels, std::string_view node_name) const;
  // The first requirement that did not parse; "": none.
  const std::string& problem() const { return problem_; }

 private:
  struct FieldIs {
    bool is_name = false;  // metadata.name; another field is as if empty
    bool wanted = false;   // In, not NotIn
    std::string value;
  };
  void read_fields(const std::vector<api::core_v1::NodeSelectorRequirement>& fields);

  std::vector<apimachinery::LabelRequirement> labels_;
  std::vector<FieldIs> fields_;
  std::string problem_;
  bool empty_ = false;  // a term without requirements matches nothing
};

// Any of its terms; without one, nothing.
class NodeSelector {
 public:
  explicit NodeSelector(const api::core_v1::NodeSelector& selector);
  bool matches(const api::core_v1::Node& node) const;

 private:
  std::vector<NodeSelectorTerm> terms_;
};

// What a pod demands of its node: spec.nodeSelector and the required node affinity. For one node: RequiredNodeAffinity(spec).matches(node).
class RequiredNodeAffinity {
 public:
  RequiredNodeAffinity() = default;
  explicit RequiredNodeAffinity(const api::core_v1::PodSpec& spec);
  bool matches(const api::core_v1::Node& node) const;
  bool matches_everything() const { return labels_.empty() && !has_terms_; }

 private:
  FlatMap<std::string> labels_;
  std::vector<NodeSelectorTerm> terms_;
  bool has_terms_ = false;
};

}  // namespace pintle::rules

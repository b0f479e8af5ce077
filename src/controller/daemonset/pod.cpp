// The pods of a DaemonSet, and where they belong.
#include <algorithm>

#include "controller/daemonset/plan.h"
#include "controller/pods/pod_control.h"
#include "rules/node_selector.h"
#include "rules/tolerations.h"

namespace pintle::controller::daemonset {

using api::core_v1::Pod;

namespace {

constexpr std::string_view generation_annotation = "deprecated.daemonset.template.generation";

struct OwnToleration {
  std::string_view key;
  std::string_view effect;
};
constexpr OwnToleration own_tolerations[] = {
    {"node.kubernetes.io/not-ready", "NoExecute"},      {"node.kubernetes.io/unreachable", "NoExecute"},
    {"node.kubernetes.io/disk-pressure", "NoSchedule"}, {"node.kubernetes.io/memory-pressure", "NoSchedule"},
    {"node.kubernetes.io/pid-pressure", "NoSchedule"},  {"node.kubernetes.io/unschedulable", "NoSchedule"},
};

// What the node itself says about its health does not keep daemons off.
void add_tolerations(api::core_v1::PodSpec& spec) {
  const auto add = [&](const OwnToleration& own) {
    api::core_v1::Toleration toleration;
    toleration.key = own.key;
    toleration.operator_ = "Exists";
    toleration.effect = own.effect;
    const bool there = std::ranges::any_of(spec.tolerations, [&](const auto& t) {
      return t.key == toleration.key && t.operator_ == toleration.operator_ && t.effect == toleration.effect && t.value.empty() &&
             !t.toleration_seconds;
    });
    if (!there) spec.tolerations.push_back(std::move(toleration));
  };
  for (const OwnToleration& own : own_tolerations) add(own);
  if (spec.host_network) add({"node.kubernetes.io/network-unavailable", "NoSchedule"});
}

}  // namespace

Placer::Placer(const DaemonSet& set, bool toleration_comparisons) : toleration_comparisons_(toleration_comparisons) {
  api::core_v1::PodSpec spec = set.spec.template_.spec;
  add_tolerations(spec);
  node_name_ = spec.node_name;
  affinity_ = rules::RequiredNodeAffinity(spec);
  tolerations_ = std::move(spec.tolerations);
}

Placement Placer::place(const api::core_v1::Node& node) const {
  if ((!node_name_.empty() && node_name_ != node.metadata.name) || !affinity_.matches(node)) return {};
  const auto tolerates_all = [&](rules::TaintEffects effects) {
    return rules::untolerated_taint(node.spec.taints, tolerations_, effects, toleration_comparisons_) == nullptr;
  };
  return {tolerates_all(rules::TaintEffects::KeepOff), tolerates_all(rules::TaintEffects::NoExecute)};
}

std::string target_node(const Pod& pod) {
  if (!pod.spec.node_name.empty()) return pod.spec.node_name;
  if (!pod.spec.affinity || !pod.spec.affinity->node_affinity) return "";
  const auto& required = pod.spec.affinity->node_affinity->required_during_scheduling_ignored_during_execution;
  if (!required) return "";
  for (const auto& term : required->node_selector_terms)
    for (const auto& field : term.match_fields)
      if (field.key == "metadata.name" && field.operator_ == "In" && field.values.size() == 1) return field.values[0];
  return "";
}

Pod make_pod(const DaemonSet& set, const std::string& node, const std::string& hash) {
  Pod pod = pods::pod_from_template(set.spec.template_, pods::Workload{"apps/v1", "DaemonSet", &set.metadata});
  if (const std::string* generation = set.metadata.annotations.get(generation_annotation))
    pod.metadata.labels["pod-template-generation"] = *generation;
  pod.metadata.labels[hash_label] = hash;
  add_tolerations(pod.spec);
  // The scheduler binds it, to this node and no other.
  api::core_v1::NodeSelectorTerm term;
  term.match_fields.emplace_back();
  term.match_fields[0].key = "metadata.name";
  term.match_fields[0].operator_ = "In";
  term.match_fields[0].values = {node};
  auto& required = pod.spec.affinity.ensure().node_affinity.ensure().required_during_scheduling_ignored_during_execution.ensure();
  required.node_selector_terms.clear();
  required.node_selector_terms.push_back(std::move(term));
  return pod;
}

}  // namespace pintle::controller::daemonset

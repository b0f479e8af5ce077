#include "scheduler/plugins/node_unschedulable/node_unschedulable.h"

#include "rules/tolerations.h"

namespace pintle::scheduler::plugins {

namespace {

class NodeUnschedulable final : public Plugin, public FilterPlugin {
 public:
  explicit NodeUnschedulable(bool comparisons) : comparisons_(comparisons) {
    taint_.key = "node.kubernetes.io/unschedulable", taint_.effect = "NoSchedule";
  }

  std::vector<EventInterest> interests() const override {
    HintFunction on_node = [this](const PodInfo& pod, const EventInstance& event) {
      const Node& after = *event.after<Node>();
      if (event.before<Node>() != nullptr && !event.before<Node>()->spec.unschedulable) return QueueingHint::Skip;  // nothing has become better
      return !after.spec.unschedulable || is_tolerated_by(*pod.pod) ? QueueingHint::Queue : QueueingHint::Skip;
    };
    HintFunction on_pod = [this](const PodInfo& pod, const EventInstance& event) {
      const Pod* after = event.after<Pod>();
      return after != nullptr && after->metadata.uid == pod.uid() && is_tolerated_by(*after) ? QueueingHint::Queue : QueueingHint::Skip;
    };
    return {{EventResource::Node, action::add | action::update_node_taint, on_node, true},
            {EventResource::Pod, action::update_pod_toleration, on_pod, true}};
  }
  bool reads_node_alone() const override { return true; }
  Code filter(const CycleState&, const PodInfo& pod, const NodeInfo& node, Reasons& reasons) const override {
    if (!node.node->spec.unschedulable || is_tolerated_by(*pod.pod)) return Code::Success;
    reasons.add("node(s) were unschedulable");
    return Code::UnschedulableAndUnresolvable;
  }

 private:
  bool is_tolerated_by(const Pod& pod) const { return rules::is_tolerated(pod.spec.tolerations, taint_, comparisons_); }

  api::core_v1::Taint taint_;
  const bool comparisons_;
};

}  // namespace

Result<std::unique_ptr<Plugin>> make_node_unschedulable(const PluginDeps& deps, const std::string&) {
  return std::make_unique<NodeUnschedulable>(deps.gates.enabled("TaintTolerationComparisonOperators"));
}

}  // namespace pintle::scheduler::plugins

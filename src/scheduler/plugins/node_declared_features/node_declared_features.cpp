#include "scheduler/plugins/node_declared_features/node_declared_features.h"

#include "rules/declared_features.h"

namespace pintle::scheduler::plugins {

namespace {

class NodeDeclaredFeatures final : public Plugin, public PreFilterPlugin, public FilterPlugin {
 public:
  explicit NodeDeclaredFeatures(bool enabled) : enabled_(enabled) {}

  // What a pod needs cannot change while it waits.
  std::vector<EventInterest> interests() const override {
    HintFunction on_node = [](const PodInfo& pod, const EventInstance& event) {
      const Node *before = event.before<Node>(), &after = *event.after<Node>();
      if (before != nullptr && before->status.declared_features == after.status.declared_features) return QueueingHint::Skip;
      return missing_of(pod, after) ? QueueingHint::Skip : QueueingHint::Queue;
    };
    return {{EventResource::Node, action::add | action::update_node_declared_feature, on_node, true}};
  }
  PluginStatus pre_filter(CycleState&, const PodInfo& pod, NodeNames&) override {
    return enabled_ && !rules::features_for_scheduling(pod.pod->spec).empty() ? PluginStatus{} : PluginStatus::skip();
  }
  bool reads_node_alone() const override { return true; }
  Code filter(const CycleState&, const PodInfo& pod, const NodeInfo& node, Reasons& reasons) const override {
    if (!missing_of(pod, *node.node)) return Code::Success;
    reasons.add("node(s) didn't match Pod's required features");
    return Code::UnschedulableAndUnresolvable;
  }

 private:
  static bool missing_of(const PodInfo& pod, const Node& node) {
    return !rules::missing_features(rules::features_for_scheduling(pod.pod->spec), node).empty();
  }
  const bool enabled_;
};

}  // namespace

Result<std::unique_ptr<Plugin>> make_node_declared_features(const PluginDeps& deps, const std::string&) {
  return std::make_unique<NodeDeclaredFeatures>(deps.gates.enabled("NodeDeclaredFeatures"));
}

}  // namespace pintle::scheduler::plugins

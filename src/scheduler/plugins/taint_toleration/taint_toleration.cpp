#include "scheduler/plugins/taint_toleration/taint_toleration.h"

#include <algorithm>

#include "scheduler/framework/normalize.h"
#include "scheduler/framework/tolerations.h"

namespace pintle::scheduler::plugins {

namespace {

class TaintToleration final : public Plugin, public FilterPlugin, public PreScorePlugin, public ScorePlugin {
 public:
  explicit TaintToleration(bool comparisons) : comparisons_(comparisons) {}

  std::vector<EventInterest> interests() const override {
    HintFunction on_node = [this](const PodInfo& pod, const EventInstance& event) {
      const auto& tolerations = pod.pod->spec.tolerations;
      const bool was_kept_away =
          event.before<Node>() == nullptr || has_untolerated_taint(event.before<Node>()->spec.taints, tolerations, comparisons_);
      return was_kept_away && !has_untolerated_taint(event.after<Node>()->spec.taints, tolerations, comparisons_) ? QueueingHint::Queue
                                                                                                                  : QueueingHint::Skip;
    };
    HintFunction on_pod = [](const PodInfo& pod, const EventInstance& event) {
      return event.after<Pod>() != nullptr && event.after<Pod>()->metadata.uid == pod.uid() ? QueueingHint::Queue : QueueingHint::Skip;
    };
    return {{EventResource::Node, action::add | action::update_node_taint, on_node}, {EventResource::Pod, action::update_pod_toleration, on_pod}};
  }

  Code filter(const CycleState&, const PodInfo& pod, const NodeInfo& node, Reasons& reasons) const override {
    if (!node.has_scheduling_taints || !has_untolerated_taint(node.node->spec.taints, pod.pod->spec.tolerations, comparisons_)) return Code::Success;
    reasons.add("node(s) had untolerated taint(s)");
    return Code::UnschedulableAndUnresolvable;
  }

  PluginStatus pre_score(CycleState&, const PodInfo&, Nodes nodes) override {
    const bool any = std::ranges::any_of(nodes, [](const NodeInfo* node) { return node->has_prefer_taints; });
    return any ? PluginStatus() : PluginStatus::skip();  // all nodes are equal
  }
  PluginStatus score(const CycleState&, const PodInfo& pod, Nodes nodes, std::span<int64_t> scores) const override {
    std::vector<Toleration> soft;
    for (const Toleration& toleration : pod.pod->spec.tolerations)
      if (toleration.effect.empty() || toleration.effect == "PreferNoSchedule") soft.push_back(toleration);
    for (std::size_t i = 0; i < nodes.size(); ++i) {
      if (!nodes[i]->has_prefer_taints) continue;
      for (const Taint& taint : nodes[i]->node->spec.taints)
        if (taint.effect == "PreferNoSchedule" && !tolerated(soft, taint, comparisons_)) ++scores[i];
    }
    normalize_scores(scores, true, node_score_max);
    return {};
  }

 private:
  const bool comparisons_;
};

}  // namespace

Result<std::unique_ptr<Plugin>> make_taint_toleration(const PluginDeps& deps, const std::string&) {
  return std::make_unique<TaintToleration>(deps.gates.enabled("TaintTolerationComparisonOperators"));
}

}  // namespace pintle::scheduler::plugins

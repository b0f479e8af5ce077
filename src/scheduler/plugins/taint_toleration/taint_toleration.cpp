#include "scheduler/plugins/taint_toleration/taint_toleration.h"

#include <algorithm>

#include "rules/tolerations.h"
#include "scheduler/cache/cache.h"
#include "scheduler/framework/normalize.h"

namespace pintle::scheduler::plugins {

namespace {

using api::core_v1::Taint;
using api::core_v1::Toleration;

class TaintToleration final : public Plugin, public FilterPlugin, public PreScorePlugin, public ScorePlugin {
 public:
  TaintToleration(const cache::Cache& cache, bool comparisons) : cache_(cache), comparisons_(comparisons) {}

  std::vector<EventInterest> interests() const override {
    HintFunction on_node = [this](const PodInfo& pod, const EventInstance& event) {
      const auto& tolerations = pod.pod->spec.tolerations;
      const bool was_kept_away = event.before<Node>() == nullptr || keeps_off(*event.before<Node>(), tolerations);
      return was_kept_away && !keeps_off(*event.after<Node>(), tolerations) ? QueueingHint::Queue : QueueingHint::Skip;
    };
    HintFunction on_pod = [](const PodInfo& pod, const EventInstance& event) {
      return event.after<Pod>() != nullptr && event.after<Pod>()->metadata.uid == pod.uid() ? QueueingHint::Queue : QueueingHint::Skip;
    };
    return {{EventResource::Node, action::add | action::update_node_taint, on_node, true},
            {EventResource::Pod, action::update_pod_toleration, on_pod, true}};
  }

  bool reads_node_alone() const override { return true; }
  Code filter(const CycleState&, const PodInfo& pod, const NodeInfo& node, Reasons& reasons) const override {
    if (!node.has_scheduling_taints || !keeps_off(*node.node, pod.pod->spec.tolerations)) return Code::Success;
    reasons.add("node(s) had untolerated taint(s)");
    return Code::UnschedulableAndUnresolvable;
  }

  PluginStatus pre_score(CycleState&, const PodInfo&, Nodes nodes) override {
    if (cache_.nodes_with_prefer_taints() == 0) return PluginStatus::skip();
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
        if (taint.effect == "PreferNoSchedule" && !rules::is_tolerated(soft, taint, comparisons_)) ++scores[i];
    }
    normalize_scores(scores, true, node_score_max);
    return {};
  }

 private:
  bool keeps_off(const Node& node, const std::vector<Toleration>& tolerations) const {
    return rules::untolerated_taint(node.spec.taints, tolerations, rules::TaintEffects::KeepOff, comparisons_) != nullptr;
  }

  const cache::Cache& cache_;
  const bool comparisons_;
};

}  // namespace

Result<std::unique_ptr<Plugin>> make_taint_toleration(const PluginDeps& deps, const std::string&) {
  return std::make_unique<TaintToleration>(deps.cache, deps.gates.enabled("TaintTolerationComparisonOperators"));
}

}  // namespace pintle::scheduler::plugins

#include "scheduler/algorithm/filter_runner.h"

namespace pintle::scheduler::algorithm {

Code FilterRunner::run(const CycleState& state, const PodInfo& pod, const NodeInfo& node, Reasons& reasons, int& plugin) const {
  for (const auto& filter : profile_->filter) {
    if (state.skip_filter >> filter.index & 1) continue;
    const Code code = filter.plugin->filter(state, pod, node, reasons);
    if (code != Code::Success) {
      plugin = filter.index;
      return code;
    }
  }
  return Code::Success;
}

Code FilterRunner::run_with_nominated(const CycleState& state, const PodInfo& pod, const NodeInfo& node, Reasons& reasons, int& plugin) const {
  if (nominator_.empty()) return run(state, pod, node, reasons, plugin);
  bool added = false;
  CycleState with_state;
  NodeInfo with_node;
  for (const PodInfoPtr& other : nominator_.on(node.name())) {
    if (other->priority < pod.priority || other->uid() == pod.uid()) continue;
    if (!added) {
      with_state = state.clone();
      with_node = node;
      added = true;
    }
    add_pod(with_state, pod, other, with_node);
  }
  if (added) {
    const Code code = run(with_state, pod, with_node, reasons, plugin);
    if (code != Code::Success) return code;
  }
  return run(state, pod, node, reasons, plugin);
}

void FilterRunner::add_pod(CycleState& state, const PodInfo& pod, PodInfoPtr other, NodeInfo& node) const {
  node.add_pod(other);
  for (const auto& plugin : profile_->pre_filter)
    if (!(state.skip_filter >> plugin.index & 1)) plugin.plugin->pod_added(state, pod, *other, node);
}

void FilterRunner::remove_pod(CycleState& state, const PodInfo& pod, PodInfoPtr other, NodeInfo& node) const {
  node.remove_pod(other->uid());
  for (const auto& plugin : profile_->pre_filter)
    if (!(state.skip_filter >> plugin.index & 1)) plugin.plugin->pod_removed(state, pod, *other, node);
}

}  // namespace pintle::scheduler::algorithm

#include "scheduler/algorithm/filter_runner.h"

namespace pintle::scheduler::algorithm {

void FilterRunner::set_profile(const Profile& profile) {
  profile_ = &profile;
  kept_ = 0;
  while (kept_ < profile.filter.size() && profile.filter[kept_].plugin->reads_node_alone()) ++kept_;
  others_ = 0;
  for (std::size_t i = kept_; i < profile.filter.size(); ++i) others_ |= uint64_t{1} << profile.filter[i].index;
}

Code FilterRunner::run_some(std::size_t first, std::size_t end, const CycleState& state, const PodInfo& pod, const NodeInfo& node, Reasons& reasons,
                            int& plugin) const {
  for (std::size_t i = first; i < end; ++i) {
    const auto& filter = profile_->filter[i];
    if (state.skip_filter >> filter.index & 1) continue;
    const Code code = filter.plugin->filter(state, pod, node, reasons);
    if (code == Code::Success) continue;
    plugin = filter.index;
    return code;
  }
  return Code::Success;
}

Code FilterRunner::run(const CycleState& state, const PodInfo& pod, const NodeInfo& node, Reasons& reasons, int& plugin) const {
  return run_some(0, profile_->filter.size(), state, pod, node, reasons, plugin);
}

Code FilterRunner::run_kept_on(const CycleState& state, const PodInfo& pod, const NodeInfo& node, Reasons& reasons, int& plugin) const {
  return run_some(0, kept_, state, pod, node, reasons, plugin);
}

namespace {

// Whether a pod that is nominated to a node is to be reckoned with by this one.
bool has_precedence(const PodInfo& nominated, const PodInfo& pod) { return nominated.priority >= pod.priority && nominated.uid() != pod.uid(); }

}  // namespace

void FilterRunner::add_nominated(const PodInfo& pod, NodeInfo& node) const {
  if (nominator_.empty()) return;
  for (const PodInfoPtr& other : nominator_.on(node.name()))
    if (has_precedence(*other, pod)) node.add_pod(other);
}

Code FilterRunner::run_kept(const CycleState& state, const PodInfo& pod, const NodeInfo& node, NodeInfo& scratch, Reasons& reasons,
                            int& plugin) const {
  if (nominator_.empty() || nominator_.on(node.name()).empty()) return run_kept_on(state, pod, node, reasons, plugin);
  scratch = node;
  add_nominated(pod, scratch);
  return run_kept_on(state, pod, scratch, reasons, plugin);
}

Code FilterRunner::run_others(const CycleState& state, const PodInfo& pod, const NodeInfo& node, Reasons& reasons, int& plugin) const {
  if (!nominator_.empty() && !nominator_.on(node.name()).empty()) return run_with_nominated(state, pod, node, reasons, plugin);
  return run_some(kept_, profile_->filter.size(), state, pod, node, reasons, plugin);
}

Code FilterRunner::run_with_nominated(const CycleState& state, const PodInfo& pod, const NodeInfo& node, Reasons& reasons, int& plugin) const {
  if (nominator_.empty()) return run(state, pod, node, reasons, plugin);
  bool added = false;
  CycleState with_state;
  NodeInfo with_node;
  for (const PodInfoPtr& other : nominator_.on(node.name())) {
    if (!has_precedence(*other, pod)) continue;
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

void FilterRunner::add_pod(CycleState& state, const PodInfo& pod, PlacedPodPtr other, NodeInfo& node) const {
  node.add_pod(other);
  for (const auto& plugin : profile_->pre_filter)
    if (!(state.skip_filter >> plugin.index & 1)) plugin.plugin->pod_added(state, pod, *other, node);
}

void FilterRunner::remove_pod(CycleState& state, const PodInfo& pod, PlacedPodPtr other, NodeInfo& node) const {
  node.remove_pod(other->uid());
  for (const auto& plugin : profile_->pre_filter)
    if (!(state.skip_filter >> plugin.index & 1)) plugin.plugin->pod_removed(state, pod, *other, node);
}

}  // namespace pintle::scheduler::algorithm

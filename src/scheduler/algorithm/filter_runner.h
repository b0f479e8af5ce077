// FilterRunner: the Filter phase of one profile for one node, with the pods that are nominated to it.
#pragma once

#include "scheduler/framework/profile.h"
#include "scheduler/queue/nominator.h"

namespace pintle::scheduler::algorithm {

class FilterRunner {
 public:
  explicit FilterRunner(const queue::Nominator& nominator) : nominator_(nominator) {}
  void set_profile(const Profile& profile);
  const Profile& profile() const { return *profile_; }

  // The first filter that objects decides; `plugin` and `reasons` say who and why.
  Code run(const CycleState& state, const PodInfo& pod, const NodeInfo& node, Reasons& reasons, int& plugin) const;
  // The same, and with every nominated pod of at least this pod's priority there: both must pass, as they may or may
  // not come.
  Code run_with_nominated(const CycleState& state, const PodInfo& pod, const NodeInfo& node, Reasons& reasons, int& plugin) const;
  // The filters at the head of the profile whose answers are kept (FilterPlugin::reads_node_alone), with the nominated pods: as they may only
  // worsen the answer, it is enough to ask with them. `scratch` is used where there are some.
  Code run_kept(const CycleState& state, const PodInfo& pod, const NodeInfo& node, NodeInfo& scratch, Reasons& reasons, int& plugin) const;
  // The others, of a node that passed those; with the nominated pods.
  Code run_others(const CycleState& state, const PodInfo& pod, const NodeInfo& node, Reasons& reasons, int& plugin) const;
  // "": none.
  std::string nominated_node(const PodInfo& pod) const { return nominator_.empty() ? std::string() : nominator_.node_of(pod.uid()); }
  // Whether none of those has a say about the pod.
  bool only_kept(const CycleState& state) const { return (others_ & ~state.skip_filter) == 0; }
  // Puts the pods that are nominated to the node and count for this one on a copy of it.
  void add_nominated(const PodInfo& pod, NodeInfo& node) const;
  Code run_kept_on(const CycleState& state, const PodInfo& pod, const NodeInfo& node, Reasons& reasons, int& plugin) const;
  // Puts a pod on a (copied) node, or takes it away, and tells the plugins that keep state.
  void add_pod(CycleState& state, const PodInfo& pod, PlacedPodPtr other, NodeInfo& node) const;
  void remove_pod(CycleState& state, const PodInfo& pod, PlacedPodPtr other, NodeInfo& node) const;

 private:
  // Of the profile's filters, those from `first` to before `end`.
  Code run_some(std::size_t first, std::size_t end, const CycleState& state, const PodInfo& pod, const NodeInfo& node, Reasons& reasons,
                int& plugin) const;
  const queue::Nominator& nominator_;
  const Profile* profile_ = nullptr;
  std::size_t kept_ = 0;  // so many filters, from the first
  uint64_t others_ = 0;   // those behind them, by index
};

}  // namespace pintle::scheduler::algorithm

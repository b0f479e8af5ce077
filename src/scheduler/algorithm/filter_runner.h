// FilterRunner: the Filter phase of one profile for one node, with the pods that are nominated to it.
#pragma once

#include "scheduler/framework/profile.h"
#include "scheduler/queue/nominator.h"

namespace pintle::scheduler::algorithm {

class FilterRunner {
 public:
  explicit FilterRunner(const queue::Nominator& nominator) : nominator_(nominator) {}
  void set_profile(const Profile& profile) { profile_ = &profile; }
  const Profile& profile() const { return *profile_; }

  // The first filter that objects decides; `plugin` and `reasons` say who and why.
  Code run(const CycleState& state, const PodInfo& pod, const NodeInfo& node, Reasons& reasons, int& plugin) const;
  // The same, and with every nominated pod of at least this pod's priority there: both must pass, as they may or may
  // not come.
  Code run_with_nominated(const CycleState& state, const PodInfo& pod, const NodeInfo& node, Reasons& reasons, int& plugin) const;
  // Puts a pod on a (copied) node, or takes it away, and tells the plugins that keep state.
  void add_pod(CycleState& state, const PodInfo& pod, PodInfoPtr other, NodeInfo& node) const;
  void remove_pod(CycleState& state, const PodInfo& pod, PodInfoPtr other, NodeInfo& node) const;

 private:
  const queue::Nominator& nominator_;
  const Profile* profile_ = nullptr;
};

}  // namespace pintle::scheduler::algorithm

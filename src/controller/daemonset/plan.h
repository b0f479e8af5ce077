// What a DaemonSet needs: pods on nodes that lack one, pods deleted, and its status. Pure.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "api/gen/apps_v1.h"
#include "controller/pods/pod_state.h"

namespace pintle::controller::daemonset {

using api::apps_v1::DaemonSet;
using NodePtr = std::shared_ptr<const api::core_v1::Node>;

inline constexpr std::string_view hash_label = "controller-revision-hash";
inline constexpr int burst_max = 250;  // pods made or deleted in one round

struct Placement {
  bool should_run = false;
  bool may_stay = false;  // a pod that is there goes on
};
// `toleration_comparisons`: Lt and Gt count (rules/tolerations.h).
Placement place(const DaemonSet& set, const api::core_v1::Node& node, bool toleration_comparisons);
// The node that a pod of a DaemonSet is for: where it runs, or where its affinity sends it; "": unknown.
std::string target_node(const api::core_v1::Pod& pod);

struct Removal {
  pods::PodPtr pod;
  std::string event;  // "FailedDaemonPod", "SucceededDaemonPod"; "": none
};
struct Plan {
  std::vector<std::string> create;  // node names
  std::vector<Removal> remove;
  api::apps_v1::DaemonSetStatus status;
  std::optional<rt::Duration> look_again;
};
struct Observed {
  const DaemonSet& set;
  const std::vector<NodePtr>& nodes;
  const std::vector<pods::PodPtr>& pods;  // those it controls
  std::string hash;                       // of the template: what new pods carry
  rt::WallTime now;
  bool toleration_comparisons = false;  // feature TaintTolerationComparisonOperators
  std::set<std::string> waiting{};      // nodes whose failed pods may not be replaced yet
};
Plan plan_daemons(const Observed& observed);

// The pod for that node.
api::core_v1::Pod make_pod(const DaemonSet& set, const std::string& node, const std::string& hash);

}  // namespace pintle::controller::daemonset

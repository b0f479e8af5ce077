// What a node's silence and conditions come to: conditions, taints, and how fast a zone may evict. Pure.
#pragma once

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "api/gen/core_v1.h"
#include "rt/clock.h"

namespace pintle::controller::node_lifecycle {

inline constexpr std::string_view not_ready_taint = "node.kubernetes.io/not-ready";
inline constexpr std::string_view unreachable_taint = "node.kubernetes.io/unreachable";

// "True", "False", "Unknown"; "" without the condition.
std::string ready_status(const api::core_v1::Node& node);
// The status of a node whose kubelet has not been heard of for too long: the conditions that it keeps are unknown.
api::core_v1::NodeStatus silent_status(const api::core_v1::Node& node, rt::WallTime now);

// What becomes of the NoExecute taint of a node that is not ready. Later: none is added, one that is there is exchanged when its reason
// changes. Never: one that is there goes too.
enum class Eviction { Now, Later, Never };
// The taints that the conditions and spec.unschedulable ask for, others kept.
std::vector<api::core_v1::Taint> plan_taints(const api::core_v1::Node& node, Eviction eviction, rt::WallTime now);
bool wants_eviction(const api::core_v1::Node& node);  // it is to have a NoExecute taint
bool same_taints(const std::vector<api::core_v1::Taint>& a, const std::vector<api::core_v1::Taint>& b);

// What the older names of the labels that tell operating system and architecture are to say, where they do not.
std::vector<std::pair<std::string, std::string>> older_labels(const api::core_v1::Node& node);

// Its silence says nothing about its zone, as its owner's label says.
bool is_excluded_from_disruption(const api::core_v1::Node& node);
// "region:\0:zone", as zones are told apart; "" without such labels.
std::string zone_of(const api::core_v1::Node& node);

enum class ZoneState { Normal, Partial, Full };
struct ZoneCount {
  int ready = 0;
  int not_ready = 0;
};
ZoneState zone_state(const ZoneCount& count, double unhealthy_threshold);
// Every zone is wholly down: the fault is more likely the control plane's own. False without zones.
bool all_disrupted(const std::map<std::string, ZoneCount>& zones, double unhealthy_threshold);
struct EvictionRates {
  double normal = 0.1;
  double secondary = 0.01;
  int large_cluster = 50;
};
// Nodes a second that may be tainted NoExecute in each zone; 0 where all are disrupted.
std::map<std::string, double> eviction_rates(const std::map<std::string, ZoneCount>& zones, double unhealthy_threshold, const EvictionRates& rates);

}  // namespace pintle::controller::node_lifecycle

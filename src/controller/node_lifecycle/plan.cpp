#include "controller/node_lifecycle/plan.h"

#include <algorithm>

#include "controller/objects/time.h"
#include "rules/conditions.h"

namespace pintle::controller::node_lifecycle {

using api::core_v1::Node;
using api::core_v1::NodeCondition;
using api::core_v1::Taint;

namespace {

struct ConditionTaint {
  std::string_view condition;
  std::string_view status;
  std::string_view key;
};
constexpr ConditionTaint condition_taints[] = {
    {"Ready", "False", not_ready_taint},
    {"Ready", "Unknown", unreachable_taint},
    {"MemoryPressure", "True", "node.kubernetes.io/memory-pressure"},
    {"DiskPressure", "True", "node.kubernetes.io/disk-pressure"},
    {"NetworkUnavailable", "True", "node.kubernetes.io/network-unavailable"},
    {"PIDPressure", "True", "node.kubernetes.io/pid-pressure"},
};
constexpr std::string_view unschedulable_taint = "node.kubernetes.io/unschedulable";

bool is_lifecycle_key(std::string_view key) {
  return key == unschedulable_taint || std::ranges::any_of(condition_taints, [&](const ConditionTaint& row) { return row.key == key; });
}

Taint make_taint(std::string_view key, std::string_view effect, rt::WallTime now) {
  Taint taint;
  taint.key = key;
  taint.effect = effect;
  taint.time_added = apimachinery::to_api_time(now);
  return taint;
}

}  // namespace

std::string ready_status(const Node& node) {
  const auto* ready = rules::find_condition(node.status.conditions, "Ready");
  return ready ? ready->status : std::string();
}

api::core_v1::NodeStatus silent_status(const Node& node, rt::WallTime now) {
  api::core_v1::NodeStatus status = node.status;
  for (const std::string_view type : {"Ready", "MemoryPressure", "DiskPressure", "PIDPressure"}) {
    NodeCondition* condition = rules::find_condition(status.conditions, type);
    if (condition == nullptr) {
      NodeCondition made;
      made.type = type;
      made.status = "Unknown";
      made.reason = "NodeStatusNeverUpdated";
      made.message = "Kubelet never posted node status.";
      made.last_heartbeat_time = node.metadata.creation_timestamp;
      made.last_transition_time = apimachinery::to_api_time(now);
      status.conditions.push_back(std::move(made));
    } else if (condition->status != "Unknown") {
      condition->status = "Unknown";
      condition->reason = "NodeStatusUnknown";
      condition->message = "Kubelet stopped posting node status.";
      condition->last_transition_time = apimachinery::to_api_time(now);
    }
  }
  return status;
}

bool wants_eviction(const Node& node) {
  const std::string ready = ready_status(node);
  return ready == "False" || ready == "Unknown";
}

std::vector<Taint> plan_taints(const Node& node, Eviction eviction, rt::WallTime now) {
  std::vector<Taint> out;
  std::vector<std::string_view> wanted;  // keys, of effect NoSchedule
  for (const ConditionTaint& row : condition_taints)
    if (rules::condition_is(node.status.conditions, row.condition, row.status)) wanted.push_back(row.key);
  if (node.spec.unschedulable) wanted.push_back(unschedulable_taint);
  const std::string ready = ready_status(node);
  std::string_view evict_key;
  if (eviction != Eviction::Never) evict_key = ready == "False" ? not_ready_taint : ready == "Unknown" ? unreachable_taint : std::string_view();
  bool was_evicting = false;
  for (const Taint& taint : node.spec.taints) {
    const bool ours = is_lifecycle_key(taint.key);
    if (ours && taint.effect == "NoExecute" && (taint.key == not_ready_taint || taint.key == unreachable_taint)) {
      was_evicting = true;
      if (taint.key != evict_key) continue;
    }
    if (ours && taint.effect == "NoSchedule" && std::ranges::find(wanted, taint.key) == wanted.end()) continue;
    out.push_back(taint);
  }
  const auto ensure = [&](std::string_view key, std::string_view effect) {
    if (std::ranges::none_of(out, [&](const Taint& taint) { return taint.key == key && taint.effect == effect; }))
      out.push_back(make_taint(key, effect, now));
  };
  for (const std::string_view key : wanted) ensure(key, "NoSchedule");
  if (!evict_key.empty() && (eviction == Eviction::Now || was_evicting)) ensure(evict_key, "NoExecute");
  return out;
}

bool same_taints(const std::vector<Taint>& a, const std::vector<Taint>& b) {
  return a.size() == b.size() && std::ranges::all_of(a, [&](const Taint& taint) {
           return std::ranges::any_of(
               b, [&](const Taint& other) { return other.key == taint.key && other.effect == taint.effect && other.value == taint.value; });
         });
}

std::vector<std::pair<std::string, std::string>> older_labels(const api::core_v1::Node& node) {
  constexpr std::pair<const char*, const char*> names[] = {{"kubernetes.io/os", "beta.kubernetes.io/os"},
                                                           {"kubernetes.io/arch", "beta.kubernetes.io/arch"}};
  std::vector<std::pair<std::string, std::string>> out;
  for (const auto& [newer, older] : names) {
    const std::string* wanted = node.metadata.labels.get(newer);
    const std::string* there = node.metadata.labels.get(older);
    if (wanted != nullptr && (there == nullptr || *there != *wanted)) out.emplace_back(older, *wanted);
  }
  return out;
}

bool is_excluded_from_disruption(const Node& node) { return node.metadata.labels.contains("node.kubernetes.io/exclude-disruption"); }

std::string zone_of(const Node& node) {
  const std::string* region = node.metadata.labels.get("topology.kubernetes.io/region");
  const std::string* zone = node.metadata.labels.get("topology.kubernetes.io/zone");
  if (region == nullptr && zone == nullptr) return "";
  return (region ? *region : "") + std::string(":\0:", 3) + (zone ? *zone : "");
}

ZoneState zone_state(const ZoneCount& count, double unhealthy_threshold) {
  if (count.ready == 0 && count.not_ready > 0) return ZoneState::Full;
  const double share = static_cast<double>(count.not_ready) / std::max(1, count.ready + count.not_ready);
  return count.not_ready > 2 && share >= unhealthy_threshold ? ZoneState::Partial : ZoneState::Normal;
}

bool all_disrupted(const std::map<std::string, ZoneCount>& zones, double unhealthy_threshold) {
  return !zones.empty() &&
         std::ranges::all_of(zones, [&](const auto& zone) { return zone_state(zone.second, unhealthy_threshold) == ZoneState::Full; });
}

std::map<std::string, double> eviction_rates(const std::map<std::string, ZoneCount>& zones, double unhealthy_threshold, const EvictionRates& rates) {
  std::map<std::string, double> out;
  const bool all_down = all_disrupted(zones, unhealthy_threshold);
  for (const auto& [name, count] : zones) {
    const ZoneState state = zone_state(count, unhealthy_threshold);
    double rate = rates.normal;
    if (all_down) {
      rate = 0;
    } else if (state == ZoneState::Partial) {
      rate = count.ready + count.not_ready > rates.large_cluster ? rates.secondary : 0;
    }
    out[name] = rate;
  }
  return out;
}

}  // namespace pintle::controller::node_lifecycle

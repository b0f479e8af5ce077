#include "controller/device_taint_eviction/plan.h"

#include <algorithm>

#include "apimachinery/clock_time.h"
#include "rules/device_taints.h"
#include "rules/resource_claims.h"

namespace pintle::controller::device_taint_eviction {

namespace {

// How long the taint is tolerated, in seconds; nullopt: for ever.
std::optional<int64_t> tolerated_seconds(const DeviceTaint& taint, const std::vector<api::resource_v1::DeviceToleration>& tolerations) {
  std::optional<int64_t> shortest;
  for (const auto& toleration : tolerations) {
    if (!rules::tolerates_device_taint(toleration, taint)) continue;
    if (!toleration.toleration_seconds) return std::nullopt;
    const int64_t seconds = std::max<int64_t>(*toleration.toleration_seconds, 0);
    shortest = std::min(shortest.value_or(seconds), seconds);
  }
  return shortest.value_or(0);
}

}  // namespace

std::optional<rt::WallTime> eviction_time(const ResourceClaim& claim, const TaintedDevices& devices) {
  std::optional<rt::WallTime> out;
  if (!claim.status.allocation) return out;
  for (const auto& result : claim.status.allocation->devices.results) {
    const auto* taints = devices.find(device_key(result.driver, result.pool, result.device));
    if (taints == nullptr) continue;
    for (const DeviceTaint& taint : *taints) {
      if (!taint.time_added) continue;
      const auto seconds = tolerated_seconds(taint, result.tolerations);
      if (!seconds) continue;
      api::Time at = *taint.time_added;
      at.seconds = *seconds > INT64_MAX - std::max<int64_t>(at.seconds, 0) ? INT64_MAX : at.seconds + *seconds;
      const rt::WallTime when = apimachinery::to_wall_time(at);
      if (!out || when < *out) out = when;
    }
  }
  return out;
}

std::optional<rt::WallTime> eviction_time(const Pod& pod, const std::function<ClaimPtr(const std::string& name)>& find,
                                          const TaintedDevices& devices) {
  std::optional<rt::WallTime> out;
  if (pod.spec.node_name.empty()) return out;
  for (const auto& entry : pod.spec.resource_claims) {
    const auto named = rules::resource_claim_name(pod, entry);
    if (!named || named->name.empty()) continue;
    const ClaimPtr claim = find(named->name);
    if (!claim || (named->check_owner && !rules::not_made_for(pod, *claim).empty()) || !rules::is_reserved_for(*claim, pod)) continue;
    const auto when = eviction_time(*claim, devices);
    if (when && (!out || *when < *out)) out = when;
  }
  return out;
}

}  // namespace pintle::controller::device_taint_eviction

#include "scheduler/plugins/dynamic_resources/binding_conditions.h"

#include <algorithm>

#include "apimachinery/clock_time.h"
#include "codec/json.h"
#include "rules/conditions.h"

namespace pintle::scheduler::plugins {

namespace {

using devices::v1::AllocatedDeviceStatus;
using devices::v1::DeviceRequestAllocationResult;
using devices::v1::ResourceClaim;

const AllocatedDeviceStatus* status_of(const ResourceClaim& claim, const DeviceRequestAllocationResult& result) {
  for (const auto& status : claim.status.devices)
    if (status.driver == result.driver && status.pool == result.pool && status.device == result.device) return &status;
  return nullptr;
}

}  // namespace

Result<bool> is_ready_to_bind(const ResourceClaim& claim) {
  if (!claim.status.allocation) return false;
  for (const auto& result : claim.status.allocation->devices.results) {
    if (result.binding_conditions.empty()) continue;
    const AllocatedDeviceStatus* status = status_of(claim, result);
    if (status == nullptr) return false;
    for (const std::string& name : result.binding_failure_conditions) {
      const auto* failed = rules::find_condition(status->conditions, name);
      if (failed != nullptr && failed->status == "True")
        return error(Reason::Conflict, "device binding failed: claim=" + claim.metadata.name + ", reason=" + failed->reason +
                                           ", message=" + codec::to_json(codec::Value(failed->message)));
    }
    for (const std::string& name : result.binding_conditions)
      if (!rules::condition_is(status->conditions, name, "True")) return false;
  }
  return true;
}

bool has_binding_conditions(const ResourceClaim& claim) {
  return claim.status.allocation &&
         std::ranges::any_of(claim.status.allocation->devices.results, [](const auto& result) { return !result.binding_conditions.empty(); });
}

bool timed_out(const ResourceClaim& claim, rt::WallTime now, rt::Duration timeout) {
  if (!has_binding_conditions(claim) || !claim.status.allocation->allocation_timestamp) return false;
  return apimachinery::to_wall_time(*claim.status.allocation->allocation_timestamp) + timeout < now;
}

}  // namespace pintle::scheduler::plugins

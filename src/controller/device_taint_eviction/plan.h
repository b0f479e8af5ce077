// When a pod goes because of its devices. Pure.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "api/gen/core_v1.h"
#include "controller/device_taint_eviction/devices.h"
#include "rt/clock.h"

namespace pintle::controller::device_taint_eviction {

using api::core_v1::Pod;
using api::resource_v1::ResourceClaim;
using ClaimPtr = std::shared_ptr<const ResourceClaim>;

// nullopt: never. Taints that do not say when they were added do nothing.
std::optional<rt::WallTime> eviction_time(const ResourceClaim& claim, const TaintedDevices& devices);
// The earliest of its claims. `find`: a claim of the pod's namespace by name.
std::optional<rt::WallTime> eviction_time(const Pod& pod, const std::function<ClaimPtr(const std::string& name)>& find,
                                          const TaintedDevices& devices);

}  // namespace pintle::controller::device_taint_eviction

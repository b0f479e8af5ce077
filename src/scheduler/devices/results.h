// What a claim's status says of the devices that were chosen for it. Pure.
#pragma once

#include <span>
#include <string>

#include "base/status.h"
#include "scheduler/devices/pools.h"
#include "scheduler/devices/requests.h"

namespace pintle::scheduler::devices {

struct ChosenDevice {
  const Way* way = nullptr;
  const PoolSlice* slice = nullptr;
  std::size_t at = 0;  // in the slice
  std::optional<std::string> share_id;
  Amounts consumed;
};
// How each request of the claim is served.
struct ChosenWay {
  const Way* way = nullptr;
  const v1::DeviceClass* device_class = nullptr;
};

// BadRequest: a slice selects nodes in a way that no claim can.
Result<v1::AllocationResult> make_result(const v1::ResourceClaim& claim, std::span<const ChosenWay> ways, std::span<const ChosenDevice> devices,
                                         const std::string& node, const Features& features);

}  // namespace pintle::scheduler::devices

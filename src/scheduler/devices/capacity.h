// Consumable capacity: what a request takes of a device that several may have. Pure. Source: the capacity of 1.36's ResourceSlices.
#pragma once

#include <optional>

#include "scheduler/devices/types.h"

namespace pintle::scheduler::devices {

// What is taken of one capacity: what was asked for (nullptr: nothing was), rounded up to what its policy has; the default or all of it
// where nothing was asked for.
api::Quantity consumed_of(const api::Quantity* requested, const v1::DeviceCapacity& capacity);
// What a request takes of all that the device has.
Amounts consumed_by(const v1::CapacityRequirements* wanted, const v1::Device& device);
// Whether it fits besides what is taken already. False too where the request names what the device has not.
bool fits_capacity(const v1::CapacityRequirements* wanted, const v1::Device& device, const Amounts* consumed, const Amounts* consuming);

}  // namespace pintle::scheduler::devices

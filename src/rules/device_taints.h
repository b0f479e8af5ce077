// Taints of devices and the tolerations that requests for devices have. Pure.
#pragma once

#include <span>

#include "api/gen/resource_v1.h"

namespace pintle::rules {

// An empty effect or key matches every one; an empty operator is Equal, an unknown one tolerates nothing.
bool tolerates_device_taint(const api::resource_v1::DeviceToleration& toleration, const api::resource_v1::DeviceTaint& taint);
// NoSchedule and NoExecute keep a request off that does not tolerate them; other effects, unknown ones among them, do nothing.
bool device_taint_keeps_off(const api::resource_v1::DeviceTaint& taint, std::span<const api::resource_v1::DeviceToleration> tolerations);

}  // namespace pintle::rules

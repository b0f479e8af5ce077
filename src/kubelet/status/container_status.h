// The statuses of a pod's containers. Pure.
#pragma once

#include "kubelet/status/generate.h"

namespace pintle::kubelet::status {

// Of the plain containers, the init containers (sidecars among them) or the ephemeral ones, in the order of the spec.
enum class StatusKind : uint8_t { Main, Init, Ephemeral };
std::vector<api::core_v1::ContainerStatus> container_statuses(const StatusInputs& inputs, StatusKind kind);

api::Time to_time(rt::WallTime time);

}  // namespace pintle::kubelet::status

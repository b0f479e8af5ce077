// What Kubernetes' access modes are to a CSI driver. Pure.
#pragma once

#include <cstdint>
#include <string_view>

namespace pintle::csi {

// Of VolumeCapabilityAccessModeMode. `several_writers`: the driver tells one writer of a node from several (SINGLE_NODE_MULTI_WRITER).
int32_t access_mode(std::string_view mode, bool several_writers);

}  // namespace pintle::csi

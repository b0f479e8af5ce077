// The table of the kubelet's flags.
#pragma once

#include <span>

#include "cmd/field_flags.h"

namespace pintle::cmd {

std::span<const component::FlagSpec> kubelet_flags();
// Fields of a KubeletConfiguration.
std::span<const FieldOfFlag> kubelet_fields();

}  // namespace pintle::cmd

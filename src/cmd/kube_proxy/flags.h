// The table of kube-proxy's flags.
#pragma once

#include <span>

#include "cmd/field_flags.h"

namespace pintle::cmd {

std::span<const component::FlagSpec> kube_proxy_flags();
// Fields of a KubeProxyConfiguration; they count where there is no --config.
std::span<const FieldOfFlag> kube_proxy_fields();

}  // namespace pintle::cmd

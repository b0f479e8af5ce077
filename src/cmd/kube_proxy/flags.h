// The table of kube-proxy's flags.
#pragma once

#include <span>

#include "component/flags.h"

namespace pintle::cmd {

std::span<const component::FlagSpec> kube_proxy_flags();

}  // namespace pintle::cmd

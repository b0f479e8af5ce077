// The table of kube-controller-manager's flags.
#pragma once

#include <span>

#include "component/flags.h"

namespace pintle::cmd {

std::span<const component::FlagSpec> kube_controller_manager_flags();

}  // namespace pintle::cmd

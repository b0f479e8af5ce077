// The table of kube-scheduler's flags.
#pragma once

#include <span>

#include "component/flags.h"

namespace pintle::cmd {

std::span<const component::FlagSpec> kube_scheduler_flags();

}  // namespace pintle::cmd

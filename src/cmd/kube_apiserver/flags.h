// The table of kube-apiserver's flags.
#pragma once

#include <span>

#include "component/flags.h"

namespace pintle::cmd {

std::span<const component::FlagSpec> kube_apiserver_flags();

}  // namespace pintle::cmd

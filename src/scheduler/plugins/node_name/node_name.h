// NodeName: a pod that names its node goes nowhere else.
#pragma once

#include "scheduler/framework/profile.h"

namespace pintle::scheduler::plugins {

Result<std::unique_ptr<Plugin>> make_node_name(const PluginDeps& deps, const std::string& args);

}  // namespace pintle::scheduler::plugins

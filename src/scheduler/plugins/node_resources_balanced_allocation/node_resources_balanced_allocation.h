// NodeResourcesBalancedAllocation: favours nodes whose resources are used evenly with the pod there.
#pragma once

#include "scheduler/framework/profile.h"

namespace pintle::scheduler::plugins {

Result<std::unique_ptr<Plugin>> make_node_resources_balanced_allocation(const PluginDeps& deps, const std::string& args);

}  // namespace pintle::scheduler::plugins

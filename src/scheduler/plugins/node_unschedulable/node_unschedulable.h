// NodeUnschedulable: cordoned nodes take only pods that tolerate their taint.
#pragma once

#include "scheduler/framework/profile.h"

namespace pintle::scheduler::plugins {

Result<std::unique_ptr<Plugin>> make_node_unschedulable(const PluginDeps& deps, const std::string& args);

}  // namespace pintle::scheduler::plugins

// NodePorts: a host port is given once on a node.
#pragma once

#include "scheduler/framework/profile.h"

namespace pintle::scheduler::plugins {

Result<std::unique_ptr<Plugin>> make_node_ports(const PluginDeps& deps, const std::string& args);

}  // namespace pintle::scheduler::plugins

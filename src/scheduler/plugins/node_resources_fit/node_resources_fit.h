// NodeResourcesFit: a node has room for what a pod requests; scored by least, most, or ratio of what is requested.
#pragma once

#include "scheduler/framework/profile.h"

namespace pintle::scheduler::plugins {

Result<std::unique_ptr<Plugin>> make_node_resources_fit(const PluginDeps& deps, const std::string& args);

}  // namespace pintle::scheduler::plugins

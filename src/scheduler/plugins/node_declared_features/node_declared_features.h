// NodeDeclaredFeatures: pods that need something of the kubelet go where a node says that it can do it.
#pragma once

#include "scheduler/framework/profile.h"

namespace pintle::scheduler::plugins {

Result<std::unique_ptr<Plugin>> make_node_declared_features(const PluginDeps& deps, const std::string& args);

}  // namespace pintle::scheduler::plugins

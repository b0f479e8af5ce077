// NodeVolumeLimits: a node attaches so many volumes of a CSI driver and no more.
#pragma once

#include "scheduler/framework/profile.h"

namespace pintle::scheduler::plugins {

Result<std::unique_ptr<Plugin>> make_node_volume_limits(const PluginDeps& deps, const std::string& args);

}  // namespace pintle::scheduler::plugins

// PodTopologySpread: pods spread over zones, nodes or other domains, as they or the defaults say.
#pragma once

#include "scheduler/framework/profile.h"

namespace pintle::scheduler::plugins {

Result<std::unique_ptr<Plugin>> make_pod_topology_spread(const PluginDeps& deps, const std::string& args);

}  // namespace pintle::scheduler::plugins

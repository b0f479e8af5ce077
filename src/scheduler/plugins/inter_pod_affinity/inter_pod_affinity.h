// InterPodAffinity: pods that want to be, or must not be, in the topology domain of others.
#pragma once

#include "scheduler/framework/profile.h"

namespace pintle::scheduler::plugins {

Result<std::unique_ptr<Plugin>> make_inter_pod_affinity(const PluginDeps& deps, const std::string& args);

}  // namespace pintle::scheduler::plugins

// NodeAffinity: spec.nodeSelector, required and preferred node affinity, and what the configuration adds.
#pragma once

#include "scheduler/framework/profile.h"

namespace pintle::scheduler::plugins {

Result<std::unique_ptr<Plugin>> make_node_affinity(const PluginDeps& deps, const std::string& args);

}  // namespace pintle::scheduler::plugins

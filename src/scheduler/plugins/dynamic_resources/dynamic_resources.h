// DynamicResources: gives pods the devices that their resource claims (or extended resources) ask for. What fits is found for each node while it
// is filtered; what the chosen node gives is kept for the pod in Reserve and written before the pod is bound.
#pragma once

#include "scheduler/framework/profile.h"

namespace pintle::scheduler::plugins {

Result<std::unique_ptr<Plugin>> make_dynamic_resources(const PluginDeps& deps, const std::string& args);

}  // namespace pintle::scheduler::plugins

// DynamicResources: allocation of devices to resource claims does not run here: a pod that has claims is refused with a
// reason, rather than bound to a node that cannot start it. Other pods pass.
#pragma once

#include "scheduler/framework/profile.h"

namespace pintle::scheduler::plugins {

Result<std::unique_ptr<Plugin>> make_dynamic_resources(const PluginDeps& deps, const std::string& args);

}  // namespace pintle::scheduler::plugins

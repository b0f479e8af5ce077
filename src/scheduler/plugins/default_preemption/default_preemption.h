// DefaultPreemption: pods of lower priority leave a node so that this one fits: as few, as unimportant and as little
// protected by disruption budgets as can be.
#pragma once

#include "scheduler/framework/profile.h"

namespace pintle::scheduler::plugins {

Result<std::unique_ptr<Plugin>> make_default_preemption(const PluginDeps& deps, const std::string& args);

}  // namespace pintle::scheduler::plugins

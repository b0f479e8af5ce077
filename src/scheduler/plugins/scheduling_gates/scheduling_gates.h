// SchedulingGates: a pod waits until its spec.schedulingGates are gone.
#pragma once

#include "scheduler/framework/profile.h"

namespace pintle::scheduler::plugins {

Result<std::unique_ptr<Plugin>> make_scheduling_gates(const PluginDeps& deps, const std::string& args);

}  // namespace pintle::scheduler::plugins

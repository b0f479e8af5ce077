// VolumeBinding: a pod goes where its claims' volumes can be reached, and where those that wait for it can be found or made;
// before the pod is bound, they are.
#pragma once

#include "scheduler/framework/profile.h"

namespace pintle::scheduler::plugins {

Result<std::unique_ptr<Plugin>> make_volume_binding(const PluginDeps& deps, const std::string& args);

}  // namespace pintle::scheduler::plugins

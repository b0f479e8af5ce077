// TaintToleration: NoSchedule and NoExecute taints keep pods away; PreferNoSchedule ones weigh against a node.
#pragma once

#include "scheduler/framework/profile.h"

namespace pintle::scheduler::plugins {

Result<std::unique_ptr<Plugin>> make_taint_toleration(const PluginDeps& deps, const std::string& args);

}  // namespace pintle::scheduler::plugins
